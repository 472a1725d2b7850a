"""Corrections and imports: voided captures with their rows, and where an imported capture came from."""

from tickettape.database.migrations import run_sql_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Voided captures exist only in its tables: undo them first, or restore a backup.")
