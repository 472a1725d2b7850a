"""What several programs on one database would each start: the first to say so does it.

Schedules of one marketplace have one program (`schedule_lease`); these are everybody's: the house's own work.
"""

from orchestration.shared_tables import make_shared_table
from tickettape.database import Warehouse
from tickettape.settings import settings

DAYS_KEPT = 60

_COLUMNS = "claim text primary key, claimant text not null, at timestamptz not null default now()"


def claim_start(claim: str, claimant: str | None = None) -> bool:
    """Whether no other program has started this; from now on this one has. `claim` names it with its time or attempt.

    The same program may ask again: Dagster evaluates a schedule anew where that was interrupted, and its run keys keep
    one program from starting a thing twice.
    """
    with Warehouse().connection() as connection:
        table = make_shared_table(connection, "start_claims", _COLUMNS)
        connection.execute(f"delete from {table} where at < now() - make_interval(days => %s)", [DAYS_KEPT])  # noqa: S608
        taken = connection.execute(
            f"""insert into {table} as known (claim, claimant) values (%s, %s)
                on conflict (claim) do update set at = now() where known.claimant = excluded.claimant""",  # noqa: S608
            [claim, claimant or settings().dagster_schema],
        )
        return taken.rowcount == 1
