"""What the next look is compared with, known by a digest of each listing."""

from tickettape.database.migrations import run_sql_beside

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("The program before reads another form of it: empty it and start that program.")
