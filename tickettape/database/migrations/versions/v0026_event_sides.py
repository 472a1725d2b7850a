"""Which events of several sources are one, keys that may decide it, and rules that follow an event to other sources."""

from tickettape.database.migrations import run_sql_beside

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
