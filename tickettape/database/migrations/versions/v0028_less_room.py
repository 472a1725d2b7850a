"""Less room: raw answers compressed against the first one of their hour, and packed days of the listing history."""

from pathlib import Path

from tickettape.database.migrations import run_sql_beside

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    for part in sorted(Path(__file__).parent.glob(f"{Path(__file__).stem}_*.sql")):
        run_sql_beside(str(part))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
