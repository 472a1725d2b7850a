"""Packed days, the warm tier: an event's past day as one row of arrays, of its snapshots and of its listing history.

`market.pack_day` and `market.unpack_days` move rows between the tiers and lose none: a day is either rows or packed.
Whatever changes a past day unpacks it first, in its own transaction; the next pass packs it again. What reads past days
reads `market.all_snapshots` and `market.all_listing_changes`.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial

from psycopg import sql

from tickettape.database import Connection, month_bounds, with_short_lock_waits

PACKED_TABLES = ("packed_days", "packed_listing_changes")
SAY_EVERY = 100  # event-days
LEFT_BYTES = 65_536  # what an emptied table keeps: a page of its index, its maps of free space and of visibility


@dataclass
class PackingFigures:
    """What a pass of packing did. `skipped`: reason -> event-days that a later pass packs. `left`: there was no time.

    `bytes_a_row`: of the snapshots that are rows, with their index, before the pass. `packed_bytes`: what it added.
    `deltas`: rows of the listing history that it packed, into `packed_delta_bytes`.
    """

    days: int = 0
    rows: int = 0
    deltas: int = 0
    seconds: float = 0.0
    bytes_a_row: float = 0.0
    packed_bytes: int = 0
    packed_delta_bytes: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    left: int = 0

    @property
    def ratio(self) -> float:
        """How many times smaller the packed snapshots are."""
        return self.rows * self.bytes_a_row / self.packed_bytes if self.packed_bytes else 0.0


def unpack_days(connection: Connection, event_keys: Sequence[int], ticks: Sequence[datetime]) -> int:
    """Make rows of the packed days that (event_keys[i], ticks[i]) fall in; how many. Until the caller's transaction
    ends, these days are not packed.

    Every writer calls it before it looks at snapshots that may be packed.
    """
    row = connection.execute(
        "select market.unpack_days(%s::integer[], %s::timestamptz[])", [list(event_keys), list(ticks)]
    ).fetchone()
    return int(row[0]) if row else 0


def pack_day(connection: Connection, event_key: int, day: date) -> tuple[int, int, str | None]:
    """Pack an event's day in one transaction; how many snapshots and how many rows of the listing history.

    If it could not be done now, both are 0, and the third is the reason.
    What was packed is compared with the rows before they are deleted. It raises an error if they differ.
    """
    with connection.transaction():
        row = connection.execute(
            "select packed, packed_deltas, skipped from market.pack_day(%s, %s)", [event_key, day]
        ).fetchone()
    assert row is not None  # noqa: S101  a function with OUT parameters returns a row
    return int(row[0]), int(row[1]), row[2]


def days_to_pack(connection: Connection, before: date) -> Iterator[tuple[date, list[int]]]:
    """The UTC days before `before` that have something to pack, oldest first, each with its events."""
    months = connection.execute(
        "select month from market.months where state in ('open', 'restored') and month < %s order by month", [before]
    ).fetchall()
    for (month,) in months:
        start, end = month_bounds(month)
        day, last = start.date(), min(end.date(), before)
        while day < last:
            rows = connection.execute(
                """select event_key from market.section_snapshots where tick >= %(first)s and tick < %(next)s
                   union
                   select event_key from market.listing_changes where tick >= %(first)s and tick < %(next)s
                   order by event_key""",
                {"first": _midnight(day), "next": _midnight(day + timedelta(days=1))},
            ).fetchall()
            if rows:
                yield day, [key for (key,) in rows]
            day += timedelta(days=1)


def pack_days(
    connection: Connection,
    before: date,
    *,
    at_most: timedelta,
    pause: Callable[[], object] = lambda: None,
    say: Callable[[str], None] = lambda _: None,
) -> PackingFigures:
    """Pack the days before `before`, oldest first, each event-day in a transaction.

    What an earlier pass left is packed too. `pause` is called before each event-day. After `at_most` what is left waits
    for the next pass.
    """
    figures, started = PackingFigures(bytes_a_row=_bytes_a_row(connection)), time.monotonic()
    before_snapshots, before_deltas = (_bytes_of(connection, table) for table in PACKED_TABLES)
    for day, event_keys in days_to_pack(connection, before):
        for event_key in event_keys:
            if time.monotonic() - started > at_most.total_seconds():
                figures.left += 1
                continue
            pause()
            rows, deltas, skipped = pack_day(connection, event_key, day)
            figures.rows += rows
            figures.deltas += deltas
            figures.days += skipped is None
            if skipped:
                figures.skipped[skipped] += 1
            elif figures.days % SAY_EVERY == 0:
                say(f"{figures.days:,} event-days are packed, {figures.rows:,} rows; at {day}")
    figures.seconds = time.monotonic() - started
    after_snapshots, after_deltas = (_bytes_of(connection, table) for table in PACKED_TABLES)
    figures.packed_bytes = after_snapshots - before_snapshots
    figures.packed_delta_bytes = after_deltas - before_deltas
    return figures


def give_back_space(connection: Connection, now: datetime) -> dict[str, int]:
    """Let the space of packed rows be used again, and give back that of past months; table -> bytes given back.

    In the month that is being written, vacuum only makes the pages free for new rows. A past month's partition shrinks
    to nothing once all of its days are packed: vacuum cuts off its empty pages, and its index is made again. Neither
    removes what an older snapshot of a reader may still need.
    """
    given_back = {}
    for name, month_is_over in _filled_partitions(connection, now):
        table = sql.Identifier("market", name)
        before = _bytes(connection, name)
        connection.execute(sql.SQL("vacuum (analyze, skip_locked) {}").format(table))
        if month_is_over and not _heap_bytes(connection, name):
            remake = sql.SQL("reindex table {}").format(table)
            with_short_lock_waits(connection, partial(connection.execute, remake), f"Giving back the space of {name}")
        given_back[name] = before - _bytes(connection, name)
    return given_back


def _filled_partitions(connection: Connection, now: datetime) -> list[tuple[str, bool]]:
    """The partitions of what is packed that are not empty files, with whether their months are over."""
    rows = connection.execute(
        """select tables.name || to_char(month, '_YYYY_MM'), (month + interval '1 month') <= %(now)s::date
           from market.months cross join unnest(array['section_snapshots', 'listing_changes']) as tables (name)
           where state in ('open', 'restored') and month <= %(now)s::date order by month, tables.name""",
        {"now": now.astimezone(UTC).date()},
    ).fetchall()
    return [
        (name, over) for name, over in rows if _heap_bytes(connection, name) or _bytes(connection, name) > LEFT_BYTES
    ]


def _bytes_a_row(connection: Connection) -> float:
    row = connection.execute(
        """select sum(pg_total_relation_size(inhrelid)), sum(greatest(reltuples, 0))
           from pg_inherits inner join pg_class on pg_class.oid = inhrelid
           where inhparent = 'market.section_snapshots'::regclass"""
    ).fetchone()
    return float(row[0]) / float(row[1]) if row and row[1] else 0.0


def _bytes_of(connection: Connection, table: str) -> int:
    row = connection.execute(
        """select coalesce(sum(pg_total_relation_size(inhrelid)), 0) from pg_inherits
           where inhparent = %s::regclass""",
        [f"market.{table}"],
    ).fetchone()
    return int(row[0]) if row else 0


def _bytes(connection: Connection, name: str) -> int:
    row = connection.execute("select pg_total_relation_size(%s::regclass)", [f"market.{name}"]).fetchone()
    return int(row[0]) if row else 0


def _heap_bytes(connection: Connection, name: str) -> int:
    row = connection.execute("select pg_relation_size(%s::regclass)", [f"market.{name}"]).fetchone()
    return int(row[0]) if row else 0


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)
