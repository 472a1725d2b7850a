"""Logins that may only read: which rows each of them sees."""

from tickettape.database.migrations import run_sql_beside

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
