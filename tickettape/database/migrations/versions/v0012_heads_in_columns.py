"""What the next look is compared with, in columns; and two of the newest names mended."""

from tickettape.database.migrations import run_sql_beside

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("The program before reads other names and another form: restore a backup instead.")
