"""Record what was due at ticks that never ran, or whose runs were cut, as missed, so that a gap explains itself."""

from datetime import datetime, timedelta

from tickettape.database import Connection, ensure_partitions
from tickettape.observations.captures import Capture, store_captures
from tickettape.observations.event_leases import give_up_leases
from tickettape.observations.tick_grid import ticks_between

LOOK_BACK = timedelta(days=1)  # if the program was off for longer, nobody watched, and no tick counts as missed


def record_missed_ticks(
    connection: Connection, source: str, tick: datetime, interval: timedelta
) -> dict[datetime, int]:
    """Record what was due at the ticks between the last captured one and this one; returns how many events at each.

    Call it before the tick is planned, because what was due was decided at the last tick that ran. What a tick planned
    and did not ask for, because its run was cut and its interval ended, is recorded too. If a past tick is captured
    after all, as the simulator can, its captures replace these.
    """
    begin = _last_tick(connection, source, tick - LOOK_BACK, tick)
    if begin is None:
        return {}
    missed: dict[datetime, int] = {}
    for past in ticks_between(begin + timedelta(microseconds=1), tick, interval):
        due = connection.execute(
            """select event_key, name from market.poll_schedule inner join market.events using (event_key)
               where source = %(source)s and watched_until > %(tick)s and due_tick <= %(tick)s and decided_at < %(tick)s
                   and (active or retired_because = 'past')
               order by event_key""",
            {"source": source, "tick": past},
        ).fetchall()
        if due:
            ensure_partitions(connection, [past], answers=False)
            note = "was due at {:%Y-%m-%d %H:%M} UTC, and no tick ran then"
            captures = [Capture(key, past, "missed", note=f"{name} {note.format(past)}") for key, name in due]
            with connection.transaction():
                store_captures(connection, captures, job_id=None)
            missed[past] = len(due)
    with connection.transaction():
        cut = give_up_leases(connection, source, begin, tick)
        note = "was due at {:%Y-%m-%d %H:%M} UTC, and the run of that tick was cut before it had asked"
        captures = [
            Capture(event.event_key, past, "missed", note=f"{event.name} {note.format(past)}") for past, event in cut
        ]
        store_captures(connection, captures, job_id=None)
    for past, _ in cut:
        missed[past] = missed.get(past, 0) + 1
    return missed


def _last_tick(connection: Connection, source: str, since: datetime, before: datetime) -> datetime | None:
    """The newest tick in [since, before) at which anything of a marketplace was captured or known to be missed."""
    row = connection.execute(
        """select max(captures.tick) from market.captures inner join market.events using (event_key)
           where source = %s and captures.tick >= %s and captures.tick < %s""",
        [source, since, before],
    ).fetchone()
    return row[0] if row else None
