"""The archive's state, pinned months, and what waits in quarantine for a month to come back."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    sql = Path(__file__).with_suffix(".sql").read_text()
    connection = op.get_bind().connection.driver_connection  # straight to psycopg: see 0001
    assert connection is not None  # noqa: S101  Alembic runs online here
    connection.execute(sql)


def downgrade() -> None:
    raise NotImplementedError("It holds which months are in cold storage: restore a backup instead.")
