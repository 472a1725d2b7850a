"""Seats, bookings and lines may go to cold storage; what refers to them stays. Payments end after 7 years.

And buyers end mail about waitlists without a login.
"""

from pathlib import Path

from tickettape.database.migrations import run_sql_beside

revision = "0034"
down_revision = "0032"


def upgrade() -> None:
    for part in sorted(Path(__file__).parent.glob(f"{Path(__file__).stem}_*.sql")):
        run_sql_beside(str(part))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
