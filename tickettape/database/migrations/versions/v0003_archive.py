"""The archive's state, pinned months, and what waits in quarantine for a month to come back."""

from tickettape.database.migrations import run_sql_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("It holds which months are in cold storage: restore a backup instead.")
