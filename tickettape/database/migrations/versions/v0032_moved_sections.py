"""The hours that a section changes when it is shown in another zone: also the one in which it was seen to be gone."""

from tickettape.database.migrations import run_sql_beside

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
