"""Price alerts: rules, destinations, what was decided to tell, and whether it was delivered."""

from tickettape.database.migrations import run_sql_beside

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
