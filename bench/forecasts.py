"""Measure the forecasts: how right they are in worlds whose truth is known, and what they cost.

The worlds are the simulator's for testing, drawn from ranges that were frozen before the method was written. They are
only measured here: nothing of the method is fitted to them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from bench.report import figure, heading, in_turn, say, seconds
from tests.support.dbt_runs import run_dbt
from tickettape.database import Connection
from tickettape.forecasts import after_tick, refit, run_backtest, scratch_tables
from tickettape.forecasts.backtest import Backtest
from tickettape.marketplaces.simulator.worlds import PriceTruth, World, draw_prices

SEEDS = (1, 2, 3)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)

PLAIN = """
    select event_id, date_bin('1 day', hour, timestamptz '2000-01-01 00:00Z') as day, min(min_price_2tickets),
        avg(min_price_2tickets), max(min_price_2tickets), avg(total_listings), count(*)
    from analytics.get_in_hours group by 1, 2"""


@contextmanager
def world_tables(connection: Connection, world: World, seed: int, events: int = 300) -> Iterator[PriceTruth]:
    """A transaction with the prices of a world, observed at 00:00 UTC, as the daily prices."""
    series, truth = draw_prices(world, seed, events=events)
    with scratch_tables(connection):
        connection.execute(
            """create temporary table get_in_days (
                   event_key int, origin timestamptz, price numeric(10, 2), listings int, observed_at timestamptz,
                   begins_at timestamptz
               ) on commit drop"""
        )
        with connection.cursor().copy("copy get_in_days from stdin") as copy:
            for event, begins, day, _, price, listings in series.rows().itertuples(index=False):
                if not np.isnan(price):
                    origin = f"{day:%Y-%m-%d} 00:00Z"
                    count = None if np.isnan(listings) else int(listings)
                    copy.write_row((int(event), origin, price / 100, count, origin, f"{begins:%Y-%m-%d} 20:00Z"))
        yield truth


def of(rows: list[dict[str, Any]], horizon: int, part: str, name: str) -> float:
    """One figure of a backtest."""
    return float(next(row[name] for row in rows if row["horizon_days"] == horizon and row["part"] == part))


def run_worlds(connection: Connection) -> bool:
    """Print L, coverage and the gates of each world; whether all bounds hold."""
    holds = True
    for world in World:
        found: list[tuple[Backtest, PriceTruth]] = []
        for seed in SEEDS:
            say(f"{world.name} {seed}")
            with world_tables(connection, world, seed) as truth:
                found.append((run_backtest(connection), truth))
        heading(f"Forecasts in the world {world.name}, means of {len(SEEDS)} markets of 300 events")
        holds &= _figures([one for one, _ in found])
        if world is World.LATE_COLLAPSE:
            opened = [
                any(gates[7, phase] for gates in one.gates.values() for phase in ("0-3", "4-7")) for one, _ in found
            ]
            holds &= figure("markets in which the gate of 7 days opens", sum(opened), "", least=len(SEEDS))
        if world is World.REGIME_CHANGE:
            holds &= _closes(connection)
    return holds


def _figures(found: list[Backtest]) -> bool:
    holds = True
    for horizon in (1, 3, 7, 14):
        for part in ("0-14", "over 14"):
            value = mean(of(one.by_time, horizon, part, "error_ratio") for one in found)
            figure(f"L by time, {horizon} days, {part} days to the event", value, "")
    for horizon in (1, 3, 7, 14):
        by_event = mean(of(one.by_event, horizon, "all", "coverage_80") for one in found)
        holds &= figure(f"coverage of 80 % by event, {horizon} days", 100 * by_event, "%", least=77, most=83)
        by_time = mean(of(one.by_time, horizon, "all", "coverage_80") for one in found)
        least = 75 if horizon == 1 else 64
        holds &= figure(f"coverage of 80 % by time, {horizon} days", 100 * by_time, "%", least=least)
        late = mean(of(one.by_time, horizon, "0-14", "coverage_80") for one in found)
        figure(f"coverage by time within 14 days, {horizon} days", 100 * late, "%")
        control = mean(of(one.by_time, horizon, "0-14", "constant_coverage_80") for one in found)
        figure(f"control: the same with one range for all, {horizon} days", 100 * control, "%")
    return holds


def _closes(connection: Connection) -> bool:
    """Whether each gate that was open at the change of a market is shut a month later."""
    opened, late = 0, 0
    for seed in range(1, 4):
        with world_tables(connection, World.REGIME_CHANGE, seed, events=900) as truth:
            gates = run_backtest(connection, by_event=False).gates
        change = date.fromisoformat(str(truth.change_date)[:10])
        before = [week for week in gates if week <= change]
        after = [week for week in gates if week > change + timedelta(days=31)]
        for gate in (key for key, is_open in gates[max(before)].items() if is_open):
            opened += 1
            late += bool(after) and gates[min(after)][gate]
    figure("gates open at the change of the market (3 markets of 900 events)", opened, "")
    return figure("of these, open a month later", late, "", most=0)


def run_martingale(connection: Connection, runs: int) -> bool:
    """Print in how many martingale years any gate is open at the end. Tables are refitted every four weeks."""
    heading(f"Gates in {runs} years of a market that cannot be forecast")
    false = 0
    for seed in range(1, runs + 1):
        with world_tables(connection, World.MARTINGALE, 1000 + seed):
            gates = run_backtest(connection, by_event=False, refit_weeks=4).gates
        false += any(gates[max(gates)].values())
        if seed % 10 == 0:
            say(f"{false} of {seed}")
    return figure("years with any gate open at their end", 100 * false / runs, "%", most=5)


def run_cost(connection: Connection, repetitions: int, events: int = 1000, days: int = 60) -> bool:
    """Print what a night and an origin cost, beside one plain aggregate of the same hours."""
    heading(f"Cost of forecasts, {events:,} events of {days} days by the hour")
    run_dbt("run", "--select", "+tag:rollup", "+get_in_days", "+zone_days", "+estimated_sales")
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
    connection.execute("vacuum analyze analytics.get_in_hours")
    connection.execute("analyze market.events")
    (rows,) = connection.execute("select count(*) from analytics.get_in_hours").fetchone() or (0,)
    say(f"{rows:,} hours")
    refit(connection, MIDNIGHT - timedelta(hours=20))
    at_origin = seconds(lambda: after_tick(connection, "bench", MIDNIGHT, MIDNIGHT + timedelta(minutes=2)))
    night = iter(range(repetitions + 1))
    refitted, plain = in_turn(
        lambda: seconds(lambda: refit(connection, MIDNIGHT + timedelta(hours=4, days=next(night)))),
        lambda: seconds(lambda: connection.execute(PLAIN).fetchall()),
        repetitions,
    )
    figure("one plain aggregate of the same hours by day", plain, "s")
    holds = figure("a night: score, look, fit; for both measures", refitted / plain, "times", most=10)
    holds &= figure("a night, per measure", refitted / plain / 2, "times", most=5)
    (pid,) = connection.execute("select pg_backend_pid()").fetchone() or (0,)
    (shared,) = connection.execute(
        "select setting::int * 8192 / 1e6 from pg_settings where name = 'shared_buffers'"
    ).fetchone() or (0,)
    peak = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    memory = int(peak.split()[1]) / 1e3 - float(shared)
    holds &= figure("most memory of the server's process, without shared buffers", memory, "MB", most=200)
    figure("forecasts at 00:00 UTC of the events to come, both measures", at_origin, "s")
    for table in ("forecast_cells", "forecasts"):
        size = connection.execute(f"select pg_total_relation_size('market.{table}') / 1e6").fetchone()
        figure(f"size of market.{table} after this", float(size[0]) if size else 0, "MB")
    return holds


def run(connection: Connection, repetitions: int) -> bool:
    """Print all figures of the forecasts; whether their bounds hold."""
    holds = run_cost(connection, repetitions)
    holds &= run_worlds(connection)
    return run_martingale(connection, int(os.environ.get("BENCH_MARTINGALE_RUNS", "200"))) and holds
