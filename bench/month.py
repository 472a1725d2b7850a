"""Measure a simulated month on the disk: every table before and after its days are packed, and four months of it.

`python -m bench.month` observes some events for some days every ten minutes, at each of BENCH_MONTH_SHARES (0.1,0.3) of
listings changing per tick, through the program itself: answers, snapshots, listing history, rollups. How many:
BENCH_MONTH_SIMULATED (4,8). Then SQL copies the rows of these events, under other keys and on later days, until there
is a month of BENCH_MONTH_EVENTS (100). (Nothing is compressed over more than an event's day, so a copy takes as much
space as another event.) The month is packed and measured; what is said of four months is arithmetic.
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
DAYS_OF_MONTH = 31
TICKS_A_DAY, TICKS_AN_HOUR = 144, 6
MONTH_DAYS, FOUR_MONTHS, HOT_DAYS, HOURLY_MONTHS = 30.5, 122, 8, 6
HOURLY = (
    *("analytics.aggregated_analytics", "analytics.event_hours", "analytics.price_distribution"),
    *("analytics.inventory_changes", "analytics.listing_departures", "analytics.get_in_hours"),
)
DAILY = ("market.captures", "analytics.daily_analytics", "analytics.event_days")
OF_NOW = (
    *("analytics.latest_prices", "analytics.event_board", "market.listing_latest_states"),
    *("market.events", "market.zones", "market.sections"),
)
COPIED = (*(*HOURLY, *DAILY, *OF_NOW, "market.section_snapshots", "market.listing_changes", "market.capture_payloads"),)


def run(connection: Connection, change_share: float, *, simulated: tuple[int, int], events: int) -> bool:
    """Print the sizes of a month at a rate of change; returns whether the bounds hold.

    `simulated`: events, and days. Then they are copied.
    """
    observe_days(connection, change_share, *simulated)
    return measure(connection, change_share, simulated=simulated, events=events)


def measure(connection: Connection, change_share: float, *, simulated: tuple[int, int], events: int) -> bool:
    """The same of days that were simulated before."""
    heading(f"A month of {events} events, {change_share:.0%} of listings changing per tick")
    copy_rows(connection, events, simulated[1])
    (rows,) = connection.execute("select count(*) from market.section_snapshots").fetchone() or (0,)
    (deltas,) = connection.execute("select count(*) from market.listing_changes").fetchone() or (0,)
    (listed,) = connection.execute("select count(*) from market.events").fetchone() or (0,)
    say("{} events were simulated for {} days, and copied".format(*simulated))
    assert listed == events  # noqa: S101
    connection.execute("vacuum (full, analyze) market.dirty_buckets")
    before, disk_before = table_bytes(connection), disk_bytes(connection)
    took = seconds(
        lambda: pack_days(connection, (MONTH + timedelta(days=DAYS_OF_MONTH)).date(), at_most=timedelta(hours=12))
    )
    give_back_space(connection, datetime.now(UTC))
    connection.execute("checkpoint")
    after, disk_after = table_bytes(connection), disk_bytes(connection)
    (left,) = connection.execute("select count(*) from market.section_snapshots").fetchone() or (0,)
    say(f"{rows:,} snapshots and {deltas:,} rows of the listing history; {left} snapshots are left as rows")
    figure("packing and giving back", rows / took, "snapshots/s")
    table = "market.section_snapshots"
    hot, packed = before[table], after["market.packed_days"] + after[table]
    figure("database on the disk, before packing (du)", disk_before / 1e6, "MB")
    figure("database on the disk, after packing (du)", disk_after / 1e6, "MB")
    figure("snapshots as rows", hot / rows, "bytes")
    figure("snapshots packed", packed / rows, "bytes")
    holds = figure("rows against packed", hot / packed, "×", least=12 if change_share <= 0.1 else 7)
    chain, table = before["market.listing_changes"], "market.packed_listing_changes"
    figure("a row of the listing history", chain / deltas, "bytes")
    figure("packed", (after[table] + after["market.listing_changes"]) / deltas, "bytes")
    figure("listing history against packed", chain / (after[table] + after["market.listing_changes"]), "×")
    in_all, later = (four_months(before, after, events, min(simulated[1], 7), months) for months in (4, HOURLY_MONTHS))
    for relation, size in sorted(in_all.items(), key=lambda one: -one[1]):
        if size > 5e6:
            figure(f"100 events, 4 months: {relation}", size / 1e9, "GB")
    figure(f"100 events, all tables, {HOURLY_MONTHS} months of hours among them", sum(later.values()) / 1e9, "GB")
    most = 8 if change_share <= 0.1 else None
    return figure("100 events, 4 months: all tables", sum(in_all.values()) / 1e9, "GB", most=most) and holds


def observe_days(connection: Connection, change_share: float, events: int, days: int) -> None:
    """Capture, read and roll up the days."""
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
            if number % TICKS_AN_HOUR == 0:  # autovacuum would come more often
                connection.execute("vacuum market.listing_latest_states")
        for name in ("section_snapshots", "listing_changes", "captures"):
            connection.execute(f"vacuum (analyze) market.{name}_{start:%Y_%m}")
        connection.execute("vacuum market.listing_latest_states, market.events, market.sections, market.zones")
        drop_payload_partitions_before(connection, (start - timedelta(days=6)).date())
        if day % 4 == 3 or day == days - 1:
            refresh_rollups(connection, lambda: run_dbt(*ROLLUPS_ALONE), say)
            connection.execute("vacuum (analyze)")
        say(f"day {day + 1} of {days} is simulated")
    assert not any(pending_buckets(connection).values())  # noqa: S101  packing skips days with marks


def copy_rows(connection: Connection, events: int, days: int) -> None:
    """Copy the rows of the events and days there are until they are `events` and a month, without triggers."""
    connection.execute(
        """create temp table copied as
           select event_key, id as event_id, event_key + 100000 * copy as new_event_key,
               case copy when 0 then id else gen_random_uuid() end as new_event_id
           from market.events cross join generate_series(0, %s) as copies (copy)
           order by copy, event_key limit %s""",
        [events, events],
    )
    connection.execute("set session_replication_role = replica")
    tables = connection.execute(
        """select table_schema, table_name, array_agg(column_name::text order by ordinal_position)
           from information_schema.columns inner join information_schema.tables using (table_schema, table_name)
           where table_schema in ('market', 'analytics') and table_type = 'BASE TABLE' and is_generated = 'NEVER'
               and (table_schema, table_name) not in (select relnamespace::regnamespace::text, relname
                                                      from pg_class where relispartition)
           group by table_schema, table_name"""
    ).fetchall()
    for schema, table, columns in tables:
        of_event = {"event_key", "event_id"} & {*columns}
        of_time = [name for name in ("tick", "hour", "timestamp", "date") if name in columns]
        shifts, shifted = [0], {}
        if (schema, table) == ("market", "events"):
            values = {
                "event_key": "new_event_key",
                "id": "new_event_id",
                "external_id": "external_id || '-' || new_event_key",
            }
            joined = "original.event_key = copied.event_key"
        elif of_event and f"{schema}.{table}" in COPIED:
            values = {name: f"new_{name}" for name in of_event}
            joined = " and ".join(f"original.{name} = copied.{name}" for name in sorted(of_event))
            if f"{schema}.{table}" not in (*OF_NOW, "market.capture_payloads"):  # answers are kept seven days
                shifts = list(range(0, DAYS_OF_MONTH, days))
                shifted = {name: f"(original.{name} + later)" + "::date" * (name == "date") for name in of_time}
        else:
            continue
        connection.execute(
            f"""insert into {schema}.{table} ({", ".join(columns)}) overriding system value
                select {", ".join((values | shifted).get(name, f"original.{name}") for name in columns)}
                from {schema}.{table} as original inner join copied on {joined}
                cross join (select number * interval '1 day' as later from unnest(%s::integer[]) as numbers (number))
                where (new_event_key != copied.event_key or later > interval '0')
                    and {shifted[of_time[0]] if shifted else "%s"} < %s""",  # noqa: S608
            [shifts, *([] if shifted else [MONTH]), MONTH + timedelta(days=DAYS_OF_MONTH)],
        )
    connection.execute("reset session_replication_role")
    connection.execute("vacuum (analyze)")


def four_months(
    before: dict[str, int], after: dict[str, int], events: int, answers: int, hours: int
) -> dict[str, float]:
    """The bytes of 100 events after four months, by arithmetic: what grows by the day, by the days it is kept.

    Eight days of snapshots and of the listing history stand as rows, the day under way among them; raw answers are kept
    seven days, of which `answers` were measured, and hours for `hours` months. Other tables count as they are.
    """
    days = DAYS_OF_MONTH
    scale = 100 / events / days
    packed = ("market.packed_days", "market.packed_listing_changes")
    rows = ("market.section_snapshots", "market.listing_changes")
    kept = {
        **dict.fromkeys(DAILY, FOUR_MONTHS),
        **dict.fromkeys(HOURLY, hours * MONTH_DAYS),
        **dict.fromkeys(OF_NOW, days),
        **dict.fromkeys(rows, HOT_DAYS),
        **dict.fromkeys(packed, FOUR_MONTHS - HOT_DAYS),
        "market.capture_payloads": days * 7 / answers,
    }
    measured = after | {relation: before[relation] for relation in rows}
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
    some_events, some_days = map(int, os.environ.get("BENCH_MONTH_SIMULATED", "4,8").split(","))
    events = int(os.environ.get("BENCH_MONTH_EVENTS", "100"))
    holds = True
    with scratch_server() as server:
        for share in os.environ.get("BENCH_MONTH_SHARES", "0.1,0.3").split(","):
            with scratch_database(server, "bench_month") as url, open_connection(url) as connection:
                holds &= run(connection, float(share), simulated=(some_events, some_days), events=events)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
