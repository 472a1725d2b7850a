"""Which hours were refreshed after their month's hours went to cold storage."""

from tickettape.database.migrations import run_sql_beside

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("What is out of date in cold storage is known only here: restore a backup instead.")
