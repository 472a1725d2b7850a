"""An event's deltas as they are stored, as rows or packed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tickettape.database import Connection
from tickettape.listing_history.deltas import Delta
from tickettape.listing_history.rows import DELTA_COLUMNS, delta_from_row, midnight_before

_SELECTED = ", ".join(DELTA_COLUMNS)


def tick_before(connection: Connection, event_key: int, tick: datetime | None) -> datetime | None:
    """The tick of an event's last delta before `tick` (None: of all); None if there is none."""
    row = connection.execute(
        "select market.listing_tick_before(%s, coalesce(%s, timestamptz 'infinity'))", [event_key, tick]
    ).fetchone()
    return row[0] if row else None


def deltas_of_day(connection: Connection, event_key: int, tick: datetime) -> list[Delta]:
    """An event's deltas of the tick's UTC day until the tick, whether that day is packed or not."""
    rows = connection.execute(
        f"""select {_SELECTED} from market.all_listing_changes
            where event_key = %s and date = %s and tick <= %s order by tick""",  # noqa: S608
        [event_key, tick.astimezone(UTC).date(), tick],
    ).fetchall()
    return [delta_from_row(row) for row in rows]


def deltas_from(connection: Connection, event_key: int, first: datetime) -> Iterator[Delta]:
    """An event's deltas from `first` on, as they are stored. A day is read when its first delta is asked for.

    It is unpacked before, unless its month takes no rows. A chain is followed until nothing differs any more, which
    mostly is on the first day.
    """
    while True:
        # both in one statement: a day that is packed meanwhile is in one of them
        (start,) = connection.execute(
            """select least(
                   (select min(tick) from market.listing_changes where event_key = %(event)s and tick >= %(first)s),
                   (select greatest(date::timestamp at time zone 'UTC', %(first)s) from market.packed_listing_changes
                    where event_key = %(event)s and date >= (%(first)s at time zone 'UTC')::date
                    order by date limit 1))""",
            {"event": event_key, "first": first},
        ).fetchone() or (None,)
        if start is None:
            return
        connection.execute(
            """select market.unpack_days(array[%(event)s::integer], array[%(start)s::timestamptz])
               where market.month_is_writable(%(start)s)""",
            {"event": event_key, "start": start},
        )
        rows = connection.execute(
            f"""select {_SELECTED} from market.all_listing_changes
                where event_key = %s and date = %s and tick >= %s order by tick""",  # noqa: S608
            [event_key, start.astimezone(UTC).date(), first],
        ).fetchall()
        yield from map(delta_from_row, rows)
        first = midnight_before(start) + timedelta(days=1)
