"""The rollups of a served market, written as rows: what the bench of the service asks about."""

import asyncio
import os
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from bench import market
from bench.report import say
from tests.support.dbt_runs import run_dbt
from tickettape.api_schema import apply_api_schema
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import capture_tick, read_tick
from tickettape.settings import Settings

DAYS = int(os.environ.get("BENCH_SERVING_DAYS", "30"))

_ROLLUPS = f"""
    insert into analytics.event_hours (event_id, hour, ok_captures, partial_captures, missed_captures, failed_captures,
        voided_captures, last_ok_at, created_at)
    select id, hour, 6, 0, 0, 0, 0, hour + interval '50 minutes', now()
    from market.events, generate_series(now() - interval '{DAYS} days', now(), interval '1 hour') as at,
        date_trunc('hour', at, 'UTC') as hour;
    insert into analytics.aggregated_analytics (event_id, zone, hour, min_price, avg_price, max_price,
        min_price_1ticket, min_price_2tickets, min_price_4tickets, min_all_in_price, total_tickets, total_listings,
        peak_tickets, min_tickets, avg_tickets, capture_count, snapshot_count, last_price, last_priced_at,
        price_sum_cents, listings_seen, tickets_seen, created_at)
    select event_id, zones.name, hour, 50 + n, 80 + n, 200 + n, 55 + n, 50 + n, 60 + n, 64 + n, 80 + n, 20 + n, 90 + n,
        70 + n, 80 + n, 6, 36, 50 + n, last_ok_at, 100000, 120, 480, now()
    from analytics.event_hours inner join market.events on events.id = event_id
        inner join market.zones on zones.event_key = events.event_key,
        lateral (select abs(hashint4(zone_key * 7919 + (extract(epoch from hour) / 3600)::int)) % 50 as n) as drawn
    order by hour, event_id;
    insert into analytics.event_days (event_id, date, observed_hours, ok_captures, partial_captures, missed_captures,
        failed_captures, voided_captures, last_ok_at, created_at)
    select event_id, (hour at time zone 'UTC')::date, count(*), 6 * count(*), 0, 0, 0, 0, max(last_ok_at), now()
    from analytics.event_hours group by 1, 2;
    insert into analytics.daily_analytics (event_id, zone, date, daily_min_price, daily_avg_price, daily_max_price,
        daily_min_1ticket, daily_min_2tickets, daily_min_4tickets, daily_min_all_in_price, peak_tickets, avg_tickets,
        min_tickets, last_price, last_priced_at, created_at)
    select event_id, zone, (hour at time zone 'UTC')::date, min(min_price), avg(avg_price), max(max_price),
        min(min_price_1ticket), min(min_price_2tickets), min(min_price_4tickets), min(min_all_in_price),
        max(peak_tickets), avg(avg_tickets), min(min_tickets), max(last_price), max(last_priced_at), now()
    from analytics.aggregated_analytics group by 1, 2, 3;
    insert into analytics.latest_prices (event_id, zone, available, section, lowest_price, average_price, highest_price,
        total_tickets, total_listings, timestamp, last_price, last_priced_at, created_at)
    select distinct on (event_id, zone) event_id, zone, true, 'Section 1', min_price, avg_price, max_price,
        total_tickets, total_listings, last_priced_at, last_price, last_priced_at, now()
    from analytics.aggregated_analytics order by event_id, zone, hour desc;
    insert into analytics.price_distribution (event_id, zone, hour, timestamp, total_listings, total_tickets, min_price,
        lower_quartile_price, median_price, upper_quartile_price, max_price, min_price_1ticket, min_price_2tickets,
        min_price_4tickets, min_all_in_price_1ticket, min_all_in_price_2tickets, min_all_in_price_4tickets, created_at)
    select event_id, zone, hour, last_priced_at, total_listings, total_tickets, min_price, avg_price - 10, avg_price,
        avg_price + 10, max_price, min_price_1ticket, min_price_2tickets, min_price_4tickets, min_price_1ticket * 1.25,
        min_price_2tickets * 1.25, min_price_4tickets * 1.25, now()
    from analytics.aggregated_analytics order by hour, event_id;
    insert into analytics.get_in_hours (event_id, hour, timestamp, total_listings, min_price_1ticket,
        min_price_2tickets, min_price_4tickets, min_all_in_price_1ticket, min_all_in_price_2tickets,
        min_all_in_price_4tickets, created_at)
    select event_id, hour, max(timestamp), sum(total_listings), min(min_price_1ticket), min(min_price_2tickets),
        min(min_price_4tickets), min(min_all_in_price_1ticket), min(min_all_in_price_2tickets),
        min(min_all_in_price_4tickets), now()
    from analytics.price_distribution group by event_id, hour order by hour, event_id;
    insert into analytics.inventory_changes (event_id, zone, hour, appeared, appeared_tickets, repriced_up,
        repriced_down, shrank, shrank_tickets, grew, moved, went, went_tickets, created_at)
    select event_id, zone, hour, 3, 8, 4, 5, 1, 2, 0, 0, 3, 8, now()
    from analytics.aggregated_analytics order by hour, event_id;
    insert into analytics.listing_departures (event_id, listing_id, hour, timestamp, zone, section, seat_row, what,
        tickets, price, first_seen_at, captures_absent, verdict, confidence, reason, created_at)
    select event_id, zone || n || hour, hour, last_priced_at, zone, 'Section 1', 'A', 'went', 1 + n, min_price + n,
        hour - n * interval '1 day', 3, (array['sold', 'relisted', 'withdrawn'])[n], 0.6, 'It is absent.', now()
    from analytics.aggregated_analytics, generate_series(1, 3) as n
    where hour > now() - interval '8 days' and (extract(hour from hour) + n) % 3 = 0 order by hour, event_id;
    insert into market.dirty_buckets (rollup, event_key, bucket)
    select 'event_board', event_key, '-infinity' from market.events;
    vacuum (analyze)"""  # noqa: S608


class Listed(NamedTuple):
    """An event with a week of listings, some ticks of it, and some of its listings."""

    event: UUID
    ticks: list[datetime]
    listings: list[str]


def make_rollups(connection: Connection, events: int = market.EVENTS) -> list[UUID]:
    """The market, its rollups as rows, and schema api. Returns the ids of its events."""
    market.add_catalogue(connection, events)
    run_dbt("run")
    say(f"making the rollups of {events * market.SECTIONS * DAYS * 144:,} snapshots")
    now = datetime.now(UTC)
    ensure_partitions(connection, [now - timedelta(days=DAYS), now])
    for statement in _ROLLUPS.split(";"):
        connection.execute(statement)
    run_dbt("run", "--select", "event_board")
    apply_api_schema(connection, Settings())
    return [
        row[0] for row in connection.execute("select id from market.events where source = 'bench' order by event_key")
    ]


def add_listings(connection: Connection, days: int = 7) -> Listed:
    """The listing history of a simulated event with many listings, at every ten minutes of the days until now."""
    last = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    first = last - timedelta(days=days)
    simulator = SimulatedMarketplace(events=60, change_share=0.1, clock=lambda: first)
    found = asyncio.run(discover_events(simulator, "search", "simulated")).events
    upsert_events(connection, "simulator", [asdict(one) for one in found if one.date and one.date > last])
    ticks = [first + number * market.TICK for number in range(days * 144 + 1)]
    ensure_partitions(connection, ticks)
    say(f"observing a simulated event {len(ticks):,} times")
    event = None
    for tick in ticks:
        capture_tick(connection, simulator, tick, None, "bench")
        read_tick(connection, simulator, tick, 0.05, "bench", only_received=True)
        if event is None:  # from now on only the event with the most listings
            (event, key) = connection.execute(
                """select id, event_key from market.captures inner join market.events using (event_key)
                   where source = 'simulator' order by counted_listings desc limit 1"""
            ).fetchone() or (None, 0)
            connection.execute(
                "update market.events set active = false where source = 'simulator' and event_key != %s", [key]
            )
    connection.execute("vacuum (analyze) market.listing_changes")
    listings = connection.execute("select listing_id from market.listings_at(%s, %s) order by 1", [event, last])
    return Listed(UUID(str(event)), ticks[::37], [row[0] for row in listings.fetchall()][::5])
