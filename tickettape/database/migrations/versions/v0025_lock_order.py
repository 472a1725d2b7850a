"""No two who sell wait for each other: in which order stock and seats are locked."""

from tickettape.database.migrations import run_sql_beside

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
