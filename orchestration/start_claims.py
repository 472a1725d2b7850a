"""What several programs on one database would each start: the first to say so does it.

Schedules of one marketplace have one program (`schedule_lease`); these are everybody's: the house's own work.
"""

import psycopg

from orchestration.schedule_lease import SHARED_SCHEMA
from tickettape.database import database_url
from tickettape.settings import settings

DAYS_KEPT = 60

_TABLE = f"""
    create table if not exists {SHARED_SCHEMA}.start_claims (
        claim text primary key, claimant text not null, at timestamptz not null default now()
    )"""


def claim_start(claim: str, claimant: str | None = None) -> bool:
    """Whether no other program has started this; from now on this one has. `claim` names it with its time or attempt.

    The same program may ask again: Dagster evaluates a schedule anew where that was interrupted, and its run keys keep
    one program from starting a thing twice.
    """
    with psycopg.connect(database_url(), autocommit=True, connect_timeout=10) as connection:
        row = connection.execute("select to_regclass(%s) is not null", [f"{SHARED_SCHEMA}.start_claims"]).fetchone()
        if not (row and row[0]):
            with connection.transaction():
                connection.execute("select pg_advisory_xact_lock(7153909)")  # `if not exists` alone can collide
                connection.execute(f"create schema if not exists {SHARED_SCHEMA}")
                connection.execute(_TABLE)
        connection.execute(
            f"delete from {SHARED_SCHEMA}.start_claims where at < now() - make_interval(days => %s)",  # noqa: S608
            [DAYS_KEPT],
        )
        taken = connection.execute(
            f"""insert into {SHARED_SCHEMA}.start_claims as known (claim, claimant) values (%s, %s)
                on conflict (claim) do update set at = now() where known.claimant = excluded.claimant""",  # noqa: S608
            [claim, claimant or settings().dagster_schema],
        )
        return taken.rowcount == 1
