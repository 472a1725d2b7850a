"""Forecasts as they were made, the quantile tables behind them, and the record of how right they were."""

from tickettape.database.migrations import run_sql_beside

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
