"""The schema `market`: catalogue, dimensions, captures, facts, marks, jobs."""

from tickettape.database.migrations import run_sql_beside

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("The first migration holds the history itself: restore a backup instead.")
