"""The service's statements that took more than a second, by day: for servers without pg_stat_statements."""

from tickettape.database.migrations import run_sql_beside

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
