"""When to look at an event and why, who views it, which fields answers have, and what was alerted."""

from tickettape.database.migrations import run_sql_beside

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Older programs do not know what reconciliation stores: restore a backup instead.")
