"""A new seat map's ids for zones and sections that are known already."""

from tickettape.database.migrations import run_sql_beside

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
