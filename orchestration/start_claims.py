"""Start claims: of several programs on one database, only the first to claim a piece of housekeeping starts it.

The schedules of a marketplace need no claim: only one program runs them (`schedule_lease`).
"""

import dagster as dg

from orchestration.shared_tables import make_shared_table
from tickettape.database import Warehouse
from tickettape.settings import settings

DAYS_KEPT = 60

_COLUMNS = "claim text primary key, claimant text not null, at timestamptz not null default now()"


def claim_start(claim: str, claimant: str | None = None) -> bool:
    """Claim a start. Returns False if another program has claimed it. `claim` names the work and its time or attempt.

    A program can claim the same start again, because Dagster repeats an evaluation that was interrupted. Dagster's run
    keys keep one program from starting anything twice.
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


def run_once(claim: str) -> dg.RunRequest | dg.SkipReason:
    """A request for one run of a schedule's or sensor's job, in only one of the programs on this database."""
    if not claim_start(claim):
        return dg.SkipReason("Another program on this database has started it.")
    return dg.RunRequest(run_key=claim)
