"""Price ranges, the second kind of observation: lowest, average and highest price of an event at a tick."""

from tickettape.database.migrations import run_sql_beside

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("The price ranges would be lost: restore a backup instead.")
