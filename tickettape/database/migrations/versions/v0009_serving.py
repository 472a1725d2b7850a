"""Who may ask: tenants, their keys and watch-lists; when each event's rollups changed; what the service did."""

from tickettape.database.migrations import run_sql_beside

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_sql_beside(__file__)


def downgrade() -> None:
    raise NotImplementedError("The keys that people hold exist only in its tables: restore a backup.")
