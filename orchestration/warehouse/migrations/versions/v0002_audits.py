"""What the tests of the data ask, and where the nightly audit keeps its results."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    sql = Path(__file__).with_suffix(".sql").read_text()
    # straight to psycopg: SQLAlchemy passes an empty parameter list, and then every % is a placeholder
    connection = op.get_bind().connection.driver_connection
    assert connection is not None  # noqa: S101  Alembic runs online here
    connection.execute(sql)


def downgrade() -> None:
    raise NotImplementedError("The audits' results are history: restore a backup instead.")
