"""A few past days of snapshots, to be packed and unpacked."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.support.markets import TEN, Section, add_event, observe
from tickettape.database import Connection
from tickettape.observations.packed_days import pack_day

DAY: date = (datetime.now(UTC) - timedelta(days=12)).date()
NOON = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)
LAST = NOON.replace(hour=23, minute=50)
TICKS = [NOON.replace(hour=0), NOON, NOON + TEN, LAST]


def past_days(connection: Connection, *, events: int = 2, days: int = 2) -> list[int]:
    """Events with four ticks on DAY and the days after it, without marks; their keys."""
    keys = [add_event(connection, str(number + 1)) for number in range(events)]
    for key in keys:
        for day in range(days):
            for number, tick in enumerate(TICKS):
                seen = [Section("A", "101", [1000 + 25 * number, 4000]), Section("B", "201", [1500 + key])]
                observe(connection, key, tick + timedelta(days=day), *seen[: 2 - number % 2])
    forget_marks(connection)
    return keys


def forget_marks(connection: Connection) -> None:
    """As if the rollups were refreshed."""
    connection.execute("delete from market.dirty_buckets")


def packed(connection: Connection, event_keys: Sequence[int], day: date = DAY) -> int:
    """Pack a day of these events, all of it; how many rows."""
    rows = 0
    for event_key in event_keys:
        some, _, skipped = pack_day(connection, event_key, day)
        assert skipped is None
        rows += some
    return rows


def rows_of(connection: Connection, relation: str = "market.all_snapshots") -> list[Any]:
    """All rows of a relation, in one order."""
    return sorted(str(row) for row in connection.execute(f"select to_jsonb(t) from {relation} as t").fetchall())


def tiers(connection: Connection) -> tuple[int, int]:
    """How many snapshots are rows, and how many are packed."""
    row = connection.execute(
        """select (select count(*) from market.section_snapshots),
               (select coalesce(sum(row_count), 0) from market.packed_days)"""
    ).fetchone()
    assert row
    return int(row[0]), int(row[1])


def chain_tiers(connection: Connection) -> tuple[int, int]:
    """How many rows of the listing history are rows, and how many are packed."""
    row = connection.execute(
        """select (select count(*) from market.listing_changes),
               (select coalesce(sum(delta_count), 0) from market.packed_listing_changes)"""
    ).fetchone()
    assert row
    return int(row[0]), int(row[1])


def marked_hours(connection: Connection) -> set[tuple[int, datetime]]:
    """The hours of snapshots that are marked."""
    rows = connection.execute("select event_key, bucket from market.dirty_buckets where rollup = 'event_hours'")
    return set(rows.fetchall())
