"""Upkeep: measured sizes, and which months of hours are in cold storage."""

from alembic import op

from tickettape.database.migrations import run_sql_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    op.execute("drop table market.cold_hours, market.database_sizes")
