"""What the tests of the data ask, and where the nightly audit keeps its results."""

from tickettape.database.migrations import run_sql_beside

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("The audits' results are history: restore a backup instead.")
