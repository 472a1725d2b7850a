"""Voids: captures that a person found wrong. They count as not observed, and can be brought back as they were.

A voided capture keeps its row with the status `void`, so that it is not polled or stored again. Its snapshots move to
`voided_snapshots` and its listings to `voided_listings`, so that no query meets them among the others. The triggers
mark the hour both times. `price_range_voids` does the same for price ranges.
"""

from collections.abc import Sequence
from datetime import datetime

from tickettape.database import Connection, month_refusals, state_of_month
from tickettape.listing_history import (
    lock_listing_history,
    observation_at,
    store_voided_observation,
    voided_observation,
    write_observation,
)
from tickettape.observations.packed_days import unpack_days
from tickettape.observations.section_snapshots import SNAPSHOT_COLUMNS

_COLUMNS = ", ".join(SNAPSHOT_COLUMNS)


class NothingToDo(Exception):  # noqa: N818
    """A capture is not in the state that a correction starts from. The message is for the person who asked."""


def capture_ticks(
    connection: Connection, event_key: int, start: datetime, end: datetime, *, voided: bool
) -> list[datetime]:
    """The ticks in [start, end) at which an event has a capture, void or not as `voided` says; oldest first."""
    rows = connection.execute(
        """select tick from market.captures
           where event_key = %s and tick >= %s and tick < %s and (status = 'void') = %s order by tick""",
        [event_key, start, end, voided],
    ).fetchall()
    return [tick for (tick,) in rows]


def void_capture(connection: Connection, event_key: int, tick: datetime, *, reason: str, by: str) -> str:
    """Void a capture, in one transaction; returns its status before.

    Raises NothingToDo if there is none, if it is void already, or if its month takes no writes.
    """
    with connection.transaction():
        lock_listing_history(connection, tick, event_key)
        hold_open(connection, tick)
        unpack_days(connection, [event_key], [tick])
        row = connection.execute(
            "select status from market.captures where event_key = %s and tick = %s for update", [event_key, tick]
        ).fetchone()
        if row is None:
            raise NothingToDo(f"There is no capture at {_said(tick)}{_nearest(connection, event_key, tick)}.")
        if row[0] == "void":
            raise NothingToDo(f"The capture at {_said(tick)} is already void.")
        (void_id,) = connection.execute(
            """insert into market.voids (event_key, tick, reason, voided_by, capture_status, capture_note)
               select event_key, tick, %s, %s, status, note from market.captures where event_key = %s and tick = %s
               returning void_id""",
            [reason, by, event_key, tick],
        ).fetchone() or (None,)
        connection.execute(
            f"""with moved as (
                    delete from market.section_snapshots where event_key = %s and tick = %s returning {_COLUMNS}
                )
                insert into market.voided_snapshots (void_id, {_COLUMNS}) select %s, {_COLUMNS} from moved""",  # noqa: S608
            [event_key, tick, void_id],
        )
        observation = observation_at(connection, event_key, tick)
        if observation is not None:
            store_voided_observation(connection, void_id, observation)
            write_observation(connection, tick, event_key, None)
        connection.execute(
            "update market.captures set status = 'void', note = %s where event_key = %s and tick = %s",
            [f"voided: {reason}", event_key, tick],
        )
    return str(row[0])


def undo_void(connection: Connection, event_key: int, tick: datetime) -> str:
    """Bring a voided capture back as it was, in one transaction; returns the status that it has again.

    Raises NothingToDo if it is not void, or if its month takes no writes.
    """
    with connection.transaction():
        lock_listing_history(connection, tick, event_key)
        hold_open(connection, tick)
        unpack_days(connection, [event_key], [tick])
        row = connection.execute(
            """select voids.void_id, voids.capture_status, voids.capture_note
               from market.captures inner join market.voids
                   on voids.event_key = captures.event_key and voids.tick = captures.tick and voids.ended_at is null
                       and voids.kind = 'listings'
               where captures.event_key = %s and captures.tick = %s and captures.status = 'void'
               for update of captures""",
            [event_key, tick],
        ).fetchone()
        if row is None:
            raise NothingToDo(f"The capture at {_said(tick)} is not void{_how_it_ended(connection, event_key, tick)}.")
        void_id, status, note = row
        connection.execute(
            f"""insert into market.section_snapshots ({_COLUMNS})
                select {_COLUMNS} from market.voided_snapshots where void_id = %s""",  # noqa: S608
            [void_id],
        )
        observation = voided_observation(connection, void_id)
        if observation is not None:
            write_observation(connection, tick, event_key, observation)
        connection.execute(
            "update market.captures set status = %s, note = %s where event_key = %s and tick = %s",
            [status, note, event_key, tick],
        )
        end_voids(connection, [(event_key, tick)], "undo")
    return str(status)


def end_voids(
    connection: Connection, observations: Sequence[tuple[int, datetime]], by: str, *, kind: str = "listings"
) -> None:
    """Record that observations (event_key, tick) count again, and why: `undo`, `replay` or `import`.

    The rows that were void stay in the tables voided_…, as a record of what was found wrong.
    """
    if observations:
        connection.execute(
            """update market.voids set ended_at = clock_timestamp(), ended_by = %s
               from unnest(%s::int[], %s::timestamptz[]) as again (event_key, tick)
               where voids.event_key = again.event_key and voids.tick = again.tick and ended_at is null
                   and kind = %s""",
            [by, [event_key for event_key, _ in observations], [tick for _, tick in observations], kind],
        )


def hold_open(connection: Connection, tick: datetime) -> None:
    """Keep the tick's month open until the caller's transaction ends. Raises NothingToDo if it takes no writes."""
    for month in month_refusals(connection, [tick]):
        state = state_of_month(connection, month) or "without a partition"
        raise NothingToDo(
            f"{month:%Y-%m} is {state}, so nothing in it can be changed. Run `tickettape restore {month:%Y-%m}` first"
        )


def is_voided(connection: Connection, event_key: int, tick: datetime) -> bool:
    """Whether a capture is void."""
    found = connection.execute(
        "select from market.captures where event_key = %s and tick = %s and status = 'void'", [event_key, tick]
    ).fetchone()
    return found is not None


def _said(tick: datetime) -> str:
    return f"{tick:%Y-%m-%d %H:%M:%S} UTC"


def _nearest(connection: Connection, event_key: int, tick: datetime) -> str:
    row = connection.execute(
        """select (select max(tick) from market.captures where event_key = %(event)s and tick < %(tick)s),
                  (select min(tick) from market.captures where event_key = %(event)s and tick > %(tick)s)""",
        {"event": event_key, "tick": tick},
    ).fetchone()
    known = [_said(near) for near in row or () if near is not None]
    return f"; the nearest: {' and '.join(known)}" if known else " nor at any other time"


def _how_it_ended(connection: Connection, event_key: int, tick: datetime) -> str:
    row = connection.execute(
        """select ended_by, ended_at from market.voids
           where event_key = %s and tick = %s and ended_at is not null and kind = 'listings'
           order by ended_at desc limit 1""",
        [event_key, tick],
    ).fetchone()
    return f" any more: {row[0]} at {_said(row[1])} ended that" if row else ""
