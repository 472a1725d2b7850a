"""Months that are over, small and whole, and what the archive is called with in tests."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.markets import TEN, Section, add_event, observe, observe_ranges, price_range
from tickettape.archive.month_archive import ArchiveOutcome, archive_month
from tickettape.archive.month_restore import restore_month
from tickettape.database import Connection
from tickettape.file_storage import Storage

JULY, AUGUST = date(2026, 7, 1), date(2026, 8, 1)
NOW = datetime.now(UTC)  # the archive's own clock is the database's
FACTS = ("captures", "section_snapshots", "listing_changes", "price_ranges")


def fill(connection: Connection, month: date, *, events: int = 2, days: int = 2, ticks_a_day: int = 3) -> list[int]:
    """Events with a few ticks on the first days of a month and one at its very end; their keys."""
    start = datetime.combine(month, datetime.min.time(), UTC)
    end = (start + timedelta(days=31)).replace(day=1)
    keys = [add_event(connection, str(number + 1)) for number in range(events)]
    by_ranges = add_event(connection, "ranges")
    ticks = [start + timedelta(days=day) + number * TEN for day in range(days) for number in range(ticks_a_day)]
    for number, tick in enumerate([*ticks, end - TEN]):
        for key in keys:
            prices = [1000 + 10 * number + key, 2000]
            observe(connection, key, tick, Section("Lower", "101", prices), Section("Upper", "301", prices[1:]))
            # some of what a source may not state, and an event that is known by its price ranges alone
            stated: dict[str, int | None] = (
                {"average_price_cents": None, "listings": None} if number % 2 else {"lowest_price_cents": 900 + key}
            )
            alone = price_range(by_ranges, tick + timedelta(minutes=key), market="primary", price_basis="unknown")
            observe_ranges(connection, price_range(key, tick, **stated), alone)
    observe(connection, keys[0], start + timedelta(days=20))  # an empty one
    connection.execute(
        "update market.captures set note = %s, payload_bytes = 12345678 where tick = %s and event_key = %s",
        ['a "note", of two\nlines', ticks[0], keys[0]],
    )
    connection.execute("update market.captures set note = '' where tick = %s and event_key = %s", [ticks[1], keys[0]])
    return keys


def cold(folder: Path) -> Storage:
    return Storage(str(folder / "cold"))


def run_archive(
    connection: Connection,
    storage: Storage,
    month: date,
    *,
    refresh: Callable[[], None] | None = None,
    now: datetime = NOW,
    keep: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> ArchiveOutcome:
    """Archive a month, to its drop if `keep` is 0. Without `refresh` its marks are thrown away, as if refreshed."""

    def no_rollups() -> None:
        connection.execute("delete from market.dirty_buckets")

    return archive_month(
        connection, storage, month, refresh=refresh or no_rollups, now=now, keep_detached_days=keep, say=say
    )


def run_restore(connection: Connection, storage: Storage, month: date, until: date | None = None) -> dict[str, Any]:
    return restore_month(connection, storage, month, until=until, say=lambda _: None)


def copies(connection: Connection, *tables: str) -> None:
    """Remember tables as they are, to be compared with `differences`."""
    for table in tables:
        name = table.replace(".", "_")
        connection.execute(f"drop table if exists remembered_{name}")
        connection.execute(f"create table remembered_{name} as select * from {table}")


def differences(connection: Connection, table: str, *, but: str = "") -> list[Any]:
    """What a table has and its copy has not, and the other way round; `but` one column."""
    row = f"to_jsonb(t) - '{but}'" if but else "t.*"
    now, then = (f"select {row} from {name} as t" for name in (table, f"remembered_{table.replace('.', '_')}"))
    return connection.execute(
        f"""(select 'new', t.* from ({now} except all {then}) as t)
            union all (select 'gone', t.* from ({then} except all {now}) as t)"""
    ).fetchall()


def state(connection: Connection, month: date) -> tuple[str | None, str | None]:
    """A month's state and its archive's step."""
    row = connection.execute(
        "select state, step from market.months left join market.archives using (month) where month = %s", [month]
    ).fetchone()
    return (row[0], row[1]) if row else (None, None)
