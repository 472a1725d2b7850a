"""What a rule of price alerts is about, said once; and where people see an event at its marketplace."""

from tickettape.database.migrations import run_sql_beside

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
