"""Where an event takes place by its source's own words, its first sale, and which events of two sources are one."""

from tickettape.database.migrations import run_sql_beside

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
