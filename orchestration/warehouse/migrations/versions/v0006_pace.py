"""What all workers share: the budget of requests, the breaker, and the leases of due events."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    sql = Path(__file__).with_suffix(".sql").read_text()
    # straight to psycopg: SQLAlchemy passes an empty parameter list, and then every % is a placeholder
    connection = op.get_bind().connection.driver_connection
    assert connection is not None  # noqa: S101  Alembic runs online here
    connection.execute(sql)


def downgrade() -> None:
    op.execute("drop table market.leases, market.breakers, market.request_blocks, market.budgets")
