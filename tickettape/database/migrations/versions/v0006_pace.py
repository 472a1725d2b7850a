"""What all workers share: the budget of requests, the breaker, and the leases of due events."""

from alembic import op

from tickettape.database.migrations import run_sql_beside

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    op.execute("drop table market.leases, market.breakers, market.request_blocks, market.budgets")
