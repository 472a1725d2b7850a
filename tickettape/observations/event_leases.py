"""The leases of a tick: its due events, and which worker has each, so that no event is captured twice.

A lease expires, or ends with the job that holds it: a killed worker's events go to the others.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row

from tickettape.catalogue import Event
from tickettape.database import Connection

DONE_LEASES_KEPT = timedelta(days=1)  # they say who captured an event, while somebody may ask

TAKE_LEASES = """
    with free as (
        select event_key from market.leases
        where tick = %(tick)s and not done and coalesce(leased_until, '-infinity') < clock_timestamp()
            and event_key in (select event_key from market.events where source = %(source)s)
        order by place limit %(most)s
        for update skip locked
    ),
    taken as (
        update market.leases set leased_by = %(job_id)s, leased_until = clock_timestamp() + %(length)s
        from free where leases.event_key = free.event_key and leases.tick = %(tick)s
        returning leases.event_key, leases.place
    )
    select event_key, external_id, name, date, date_status
    from taken inner join market.events using (event_key) order by place
"""


def plan_leases(connection: Connection, tick: datetime, plan: str, event_keys: Sequence[int]) -> int:
    """Add the due events of a tick, to be leased in this order; returns how many are new.

    All workers of one plan may call this; only the first call counts. Another plan polls again the events that the one
    before has finished (the caller leaves out those whose capture stands). Events that are leased stay leased.
    """
    connection.execute("delete from market.leases where done and tick < %s", [tick - DONE_LEASES_KEPT])
    due = {"tick": tick, "plan": plan, "keys": list(event_keys)}
    again = connection.execute(
        """with again as (
               select event_key from market.leases
               where tick = %(tick)s and event_key = any(%(keys)s) and done and plan != %(plan)s
               order by event_key for update
           )
           update market.leases set plan = %(plan)s, done = false, leased_by = null, leased_until = null
           from again where leases.event_key = again.event_key and tick = %(tick)s""",
        due,
    )
    new = connection.execute(
        """insert into market.leases (event_key, tick, place, plan)
           select event_key, %(tick)s, place, %(plan)s
           from unnest(%(keys)s::integer[]) with ordinality as due (event_key, place)
           where not exists (
               select from market.leases as known where known.event_key = due.event_key and known.tick = %(tick)s)
           on conflict do nothing""",  # alone, this line would wait for a worker that is storing
        due,
    )
    return again.rowcount + new.rowcount


def take_leases(
    connection: Connection, source: str, tick: datetime, job_id: UUID, *, most: int, length: timedelta
) -> list[Event]:
    """Lease up to `most` events that nobody has leased, in the plan's order."""
    with connection.cursor(row_factory=class_row(Event)) as cursor:
        return cursor.execute(
            TAKE_LEASES, {"source": source, "tick": tick, "job_id": job_id, "most": most, "length": length}
        ).fetchall()


def renew_leases(connection: Connection, job_id: UUID, tick: datetime, length: timedelta) -> None:
    """Extend the leases of a job."""
    connection.execute(
        """update market.leases set leased_until = clock_timestamp() + %s
           where tick = %s and not done and leased_by = %s""",
        [length, tick, job_id],
    )


def finish_leases(connection: Connection, job_id: UUID, tick: datetime, event_keys: Collection[int]) -> set[int]:
    """Mark a job's events as done, in the transaction that stores them; returns those that were still its own.

    The others are not: their leases expired, and another job took them.
    """
    rows = connection.execute(
        """update market.leases set done = true
           where tick = %s and event_key = any(%s) and not done and leased_by = %s returning event_key""",
        [tick, list(event_keys), job_id],
    ).fetchall()
    return {int(event_key) for (event_key,) in rows}


def release_leases(connection: Connection, job_ids: Collection[UUID]) -> None:
    """Free the leases of jobs that have ended."""
    connection.execute(
        "update market.leases set leased_until = null where not done and leased_by = any(%s)", [list(job_ids)]
    )


def leases_left(connection: Connection, source: str, tick: datetime) -> int:
    """How many events of a tick are not done, leased or not."""
    row = connection.execute(
        """select count(*) from market.leases inner join market.events using (event_key)
           where tick = %s and not done and source = %s""",
        [tick, source],
    ).fetchone()
    return int(row[0]) if row else 0


def give_up_leases(
    connection: Connection, source: str, since: datetime, before: datetime
) -> list[tuple[datetime, Event]]:
    """Close what ticks in [since, before) planned and nobody works on any more; returns the events, with their ticks.

    A tick on which a worker still holds a lease is left to that worker.
    """
    rows = connection.execute(
        """update market.leases set done = true
           from market.events
           where events.event_key = leases.event_key and source = %(source)s
               and tick >= %(since)s and tick < %(before)s and not done
               and not exists (
                   select from market.leases as held
                   where held.tick = leases.tick and not held.done and held.leased_until >= clock_timestamp())
               and not exists (
                   select from market.captures
                   where captures.event_key = leases.event_key and captures.tick = leases.tick)
           returning leases.tick, leases.event_key, external_id, name, date, date_status""",
        {"source": source, "since": since, "before": before},
    ).fetchall()
    return [(tick, Event(*event)) for tick, *event in sorted(rows, key=lambda row: row[:2])]
