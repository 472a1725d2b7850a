"""The box office over HTTP: accounts and sessions, requests under a key, answers, what promoters do."""

from pathlib import Path

from tickettape.database.migrations import run_sql_beside

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    for part in sorted(Path(__file__).parent.glob(f"{Path(__file__).stem}_*.sql")):
        run_sql_beside(str(part))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
