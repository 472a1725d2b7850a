"""What was sold, for reports: views without a person's columns, marks of hours that changed, who may see sales."""

from tickettape.database.migrations import run_sql_beside

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
