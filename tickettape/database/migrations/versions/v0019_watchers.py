"""When each program last looked for incidents, so that others can see that none looks any more."""

from tickettape.database.migrations import run_sql_beside

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
