"""Corrections and imports: voided captures with their rows, and where an imported capture came from."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    sql = Path(__file__).with_suffix(".sql").read_text()
    # straight to psycopg: SQLAlchemy passes an empty parameter list, and then every % is a placeholder
    connection = op.get_bind().connection.driver_connection
    assert connection is not None  # noqa: S101  Alembic runs online here
    connection.execute(sql)


def downgrade() -> None:
    raise NotImplementedError("Voided captures exist only in its tables: undo them first, or restore a backup.")
