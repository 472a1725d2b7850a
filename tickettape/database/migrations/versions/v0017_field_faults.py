"""Events whose date or time is to be determined, and listings that were left out of an answer."""

from tickettape.database.migrations import run_sql_beside

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
