"""Schema `box_office`, the primary market: tables, then the functions that write them, then who may read which row."""

from pathlib import Path

from tickettape.database.migrations import run_sql_beside

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    for part in sorted(Path(__file__).parent.glob(f"{Path(__file__).stem}_*.sql")):
        run_sql_beside(str(part))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
