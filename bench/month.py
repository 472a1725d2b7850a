"""Measure a simulated month on the disk: every table before and after its days are packed, and four months of it.

`python -m bench.month` observes BENCH_MONTH_EVENTS events (100) for BENCH_MONTH_DAYS days (31) every ten minutes, at
each of BENCH_MONTH_SHARES (0.1,0.3) of listings changing per tick, through the program itself: answers, snapshots,
listing history, rollups. One month is measured; what is said of four months is arithmetic.
"""

import asyncio
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.report import figure, heading, say, seconds
from bench.scratch import open_connection, scratch_database, scratch_server
from bench.storage import table_bytes
from tests.support.dbt_runs import run_dbt
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, drop_payload_partitions_before, ensure_partitions
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import capture_tick, give_back_space, pack_days, read_tick
from tickettape.rollups import ROLLUPS_ALONE, pending_buckets, refresh_rollups

MONTH = datetime(2026, 10, 1, tzinfo=UTC)
TICK = timedelta(minutes=10)
TICKS_A_DAY = 144
MONTH_DAYS, FOUR_MONTHS, HOT_DAYS, HOURLY_MONTHS = 30.5, 122, 8, 6
HOURLY = (
    *("analytics.aggregated_analytics", "analytics.event_hours", "analytics.price_distribution"),
    *("analytics.inventory_changes", "analytics.listing_departures"),
)
DAILY = ("market.captures", "market.listing_changes", "analytics.daily_analytics", "analytics.event_days")
OF_NOW = ("analytics.latest_prices", "market.listing_latest_states", "market.events", "market.zones", "market.sections")


def run(connection: Connection, change_share: float, *, events: int, days: int) -> bool:
    """Print the sizes of a month at a rate of change; returns whether the bounds hold."""
    heading(f"A month of {events} events, {days} days, {change_share:.0%} of listings changing per tick")
    rows = observe_month(connection, change_share, events, days)
    connection.execute("vacuum (full, analyze) market.dirty_buckets")
    before, disk_before = table_bytes(connection), disk_bytes(connection)
    took = seconds(lambda: pack_days(connection, (MONTH + timedelta(days=days)).date(), at_most=timedelta(hours=12)))
    give_back_space(connection, datetime.now(UTC))
    connection.execute("checkpoint")
    after, disk_after = table_bytes(connection), disk_bytes(connection)
    (left,) = connection.execute("select count(*) from market.section_snapshots").fetchone() or (0,)
    say(f"{rows:,} snapshots, {left} left as rows; packed and given back at {rows / took:,.0f} rows/s")
    table = "market.section_snapshots"
    hot, packed = before[table], after["market.packed_days"] + after[table]
    figure("database on the disk, before packing (du)", disk_before / 1e6, "MB")
    figure("database on the disk, after packing (du)", disk_after / 1e6, "MB")
    figure("snapshots as rows", hot / rows, "bytes")
    figure("snapshots packed", packed / rows, "bytes")
    holds = figure("rows against packed", hot / packed, "×", least=12 if change_share <= 0.1 else 7)
    in_all = four_months(before, after, events, days)
    for relation, size in sorted(in_all.items(), key=lambda one: -one[1]):
        if size > 5e6:
            figure(f"100 events, 4 months: {relation}", size / 1e9, "GB")
    most = 8 if change_share <= 0.1 else None
    return figure("100 events, 4 months: all tables", sum(in_all.values()) / 1e9, "GB", most=most) and holds


def observe_month(connection: Connection, change_share: float, events: int, days: int) -> int:
    """Capture, read and roll up the days; how many snapshots there are."""
    market = SimulatedMarketplace(events=events, change_share=change_share, clock=lambda: MONTH)
    productions = asyncio.run(discover_events(market, "search", "simulated")).events
    upsert_events(connection, "simulator", map(asdict, productions))
    for day in range(days):
        start = MONTH + timedelta(days=day)
        ensure_partitions(connection, [start])
        for number in range(TICKS_A_DAY):
            tick = start + number * TICK
            capture_tick(connection, market, tick, None, "bench")
            read_tick(connection, market, tick, 0.05, "bench", only_received=True)
        for name in ("section_snapshots", "listing_changes", "captures"):
            connection.execute(f"vacuum (analyze) market.{name}_{start:%Y_%m}")
        connection.execute("vacuum market.listing_latest_states, market.events, market.sections, market.zones")
        drop_payload_partitions_before(connection, (start - timedelta(days=6)).date())
        if day % 4 == 3 or day == days - 1:
            refresh_rollups(connection, lambda: run_dbt(*ROLLUPS_ALONE), say)
            connection.execute("vacuum (analyze)")
        say(f"day {day + 1} of {days}")
    assert not any(pending_buckets(connection).values())  # noqa: S101  packing skips days with marks
    row = connection.execute("select count(*) from market.section_snapshots").fetchone()
    return int(row[0]) if row else 0


def four_months(before: dict[str, int], after: dict[str, int], events: int, days: int) -> dict[str, float]:
    """The bytes of 100 events after four months, by arithmetic: what grows by the day, by the days it is kept.

    Eight days of snapshots stand as rows, the day under way among them; raw answers are kept seven days, hours six
    months. Other tables count as they are.
    """
    scale = 100 / events / days
    kept = {
        **dict.fromkeys(DAILY, FOUR_MONTHS),
        **dict.fromkeys(HOURLY, HOURLY_MONTHS * MONTH_DAYS),
        **dict.fromkeys(OF_NOW, days),
        "market.section_snapshots": HOT_DAYS,
        "market.packed_days": FOUR_MONTHS - HOT_DAYS,
        "market.capture_payloads": days * 7 / min(days, 7),
    }
    measured = after | {"market.section_snapshots": before["market.section_snapshots"]}
    return {
        relation: size * scale * kept[relation] if relation in kept else size for relation, size in measured.items()
    }


def disk_bytes(connection: Connection) -> int:
    """What the files of the database take on the disk, as du counts it."""
    row = connection.execute(
        """select setting || '/base/' || (select oid from pg_database where datname = current_database())
           from pg_settings where name = 'data_directory'"""
    ).fetchone()
    assert row is not None  # noqa: S101  the setting exists
    return sum(file.stat().st_blocks * 512 for file in Path(row[0]).iterdir())


def main() -> int:
    """Run each rate of change in a database of its own; exit code 1 where a bound is missed."""
    events, days = int(os.environ.get("BENCH_MONTH_EVENTS", "100")), int(os.environ.get("BENCH_MONTH_DAYS", "31"))
    holds = True
    with scratch_server() as server:
        for share in os.environ.get("BENCH_MONTH_SHARES", "0.1,0.3").split(","):
            with scratch_database(server, "bench_month") as url, open_connection(url) as connection:
                holds &= run(connection, float(share), events=events, days=days)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
