"""Measure what forecasts cost: a night beside one plain aggregate of the same hours, and midnight beside its tick."""

import gc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from bench.listings import MIDNIGHT as FIRST_TICK
from bench.listings import TICK, _market
from bench.report import figure, heading, in_turn, say, seconds
from tests.support.dbt_runs import run_dbt
from tickettape.database import Connection
from tickettape.forecasts import after_tick, refit
from tickettape.observations import capture_tick, read_tick

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
SALES_A_DAY = 10  # departures of an event in a day

PLAIN = """
    select event_id, date_bin('1 day', hour, timestamptz '2000-01-01 00:00Z') as day, min(min_price_2tickets),
        avg(min_price_2tickets), max(min_price_2tickets), avg(total_listings), count(*)
    from analytics.get_in_hours group by 1, 2"""


def run(connection: Connection, repetitions: int, events: int, days: int) -> bool:
    """Print what a night and an origin cost, beside one plain aggregate of the same hours; whether the bounds hold."""
    heading(f"Cost of forecasts, {events:,} events of {days} days by the hour")
    run_dbt("run", "--select", "+tag:rollup", "+get_in_days", "+zone_days", "+estimated_sales")
    _add_hours(connection, events, days)
    measures = len(refit(connection, MIDNIGHT - timedelta(hours=20)))
    night = iter(range(repetitions + 1))
    refitted, plain = in_turn(
        lambda: seconds(lambda: refit(connection, MIDNIGHT + timedelta(hours=4, days=next(night)))),
        lambda: seconds(lambda: connection.execute(PLAIN).fetchall()),
        repetitions,
    )
    figure("one plain aggregate of the same hours by day", plain, "s")
    figure(f"a night: score, look, fit; {measures} measures", refitted / plain, "times")
    holds = figure("a night, per measure", refitted / plain / measures, "times", most=5)
    holds &= figure("most memory of the server's process", _memory(connection), "MB", most=200)
    at_origin = seconds(lambda: after_tick(connection, "bench", MIDNIGHT, MIDNIGHT + timedelta(minutes=2)))
    for table in ("forecast_cells", "forecasts"):
        size = connection.execute(f"select pg_total_relation_size('market.{table}') / 1e6").fetchone()
        figure(f"size of market.{table} after this", float(size[0]) if size else 0, "MB")
    own = _own_tick(connection, events)
    figure("the tick's own: capturing and reading", own, "s")
    figure(f"forecasts at 00:00 UTC, {measures} measures", at_origin, "s")
    share = figure("these against the tick's own", at_origin / own, "×", most=0.05)
    return holds and share


def _add_hours(connection: Connection, events: int, days: int) -> None:
    say("making hours")
    connection.execute(
        """insert into market.events (source, external_id, name, venue, date, currency, category)
           select 'bench', number::text, 'Event ' || number, 'The Hall',
               %(now)s::timestamptz + ((number %% 60) - 40) * interval '1 day' + interval '20 hours', 'USD', 'Concerts'
           from generate_series(1, %(events)s) as numbers (number)""",
        {"now": MIDNIGHT, "events": events},
    )
    connection.execute(
        """insert into analytics.get_in_hours
               (event_id, hour, timestamp, total_listings, min_price_2tickets, created_at)
           select id, hour, hour, 20 + (random() * 50)::int,
               round((100 * exp(sum(random() - 0.5) over (partition by id order by hour) * 0.02))::numeric, 2), now()
           from market.events,
               generate_series(
                   least(date, %(now)s) - %(days)s * interval '1 day', least(date, %(now)s) - interval '1 hour',
                   interval '1 hour') as hours (hour)""",
        {"now": MIDNIGHT, "days": days},
    )
    connection.execute(
        """insert into analytics.listing_departures (
               event_id, listing_id, hour, timestamp, zone, section, seat_row, what, tickets, price, first_seen_at,
               captures_absent, verdict, confidence, reason, created_at
           )
           select event_id, number || ' ' || hour, hour, hour, 'Floor', '1', 'A', 'went', 2, 50, hour, 9,
               case when number %% 2 = 0 then 'sold' else 'withdrawn' end, 0.5, 'gone', now()
           from analytics.get_in_hours, generate_series(1, %(sales)s) as number
           where extract(hour from hour) = 12""",
        {"sales": SALES_A_DAY},
    )
    connection.execute("vacuum analyze analytics.get_in_hours, analytics.listing_departures")
    connection.execute("analyze market.events")
    (rows,) = connection.execute("select count(*) from analytics.get_in_hours").fetchone() or (0,)
    say(f"{rows:,} hours")


def _memory(connection: Connection) -> float:
    """MB of the server's process at most, without the shared buffers that it has touched."""
    (pid,) = connection.execute("select pg_backend_pid()").fetchone() or (0,)
    sizes = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    peak, shared = (int(sizes[name].split()[0]) / 1e3 for name in ("VmHWM", "RssShmem"))
    return peak - shared


def _own_tick(connection: Connection, events: int) -> float:
    """Seconds of a tick of as many events: capturing in this process and reading, without network and rollups."""
    say("making a market")
    market, own = _market(connection, events, 0.1), []
    gc.collect()
    gc.freeze()  # the market's millions of objects are in this process, which no tick's are
    for number in range(3):
        tick = FIRST_TICK + number * TICK
        started = seconds(lambda tick=tick: capture_tick(connection, market, tick, None, "bench"))  # type: ignore[misc]
        own.append(
            started + seconds(lambda tick=tick: read_tick(connection, market, tick, 0.05, "bench", only_received=True))  # type: ignore[misc]
        )
    return median(own[1:])  # the first reads every listing as a new one
