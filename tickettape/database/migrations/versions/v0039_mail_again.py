"""Buyers who ended mail about waitlists may take it back, also without a login."""

from tickettape.database.migrations import run_sql_beside

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
