"""Upkeep: measured sizes, and which months of hours are in cold storage."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    sql = Path(__file__).with_suffix(".sql").read_text()
    connection = op.get_bind().connection.driver_connection
    assert connection is not None  # noqa: S101  Alembic runs online here
    connection.execute(sql)


def downgrade() -> None:
    op.execute("drop table market.cold_hours, market.database_sizes")
