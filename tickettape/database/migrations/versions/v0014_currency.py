"""An event's currency. Until here everything was asked for, and taken, in US dollars."""

from tickettape.database.migrations import run_sql_beside

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("The program before takes every price for US dollars: restore a backup instead.")
