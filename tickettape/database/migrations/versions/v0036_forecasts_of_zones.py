"""Forecasts of zones, and of estimated sales."""

from tickettape.database.migrations import run_sql_beside

revision = "0036"
down_revision = "0034"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
