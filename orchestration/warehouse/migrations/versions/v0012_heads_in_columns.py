"""What the next look is compared with, in columns."""

from orchestration.warehouse.migrations import run_sql_beside

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("The program before reads another form of it: empty it and start that program.")
