"""The history of every listing: what changed from one read answer to the next."""

from tickettape.database.migrations import run_sql_beside

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("The listing history exists only in its tables: restore a backup instead.")
