"""What came of each marketplace's newest discovery, so that a check can say that it failed."""

from tickettape.database.migrations import run_sql_beside

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
