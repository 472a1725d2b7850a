"""Measure how right the forecasts are, in worlds whose truth is known. What they cost is in `forecasts_cost`.

The worlds are the simulator's for testing, drawn from ranges that were frozen before the method was written. They are
only measured here: nothing of the method is fitted to them.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import mean
from typing import Any

import numpy as np

from bench.report import figure, heading, say
from tickettape.database import Connection
from tickettape.forecasts import run_backtest, scratch_tables
from tickettape.forecasts.backtest import Backtest
from tickettape.marketplaces.simulator.worlds import PriceTruth, World, draw_prices


@dataclass(frozen=True)
class Size:
    """How much is measured. `markets` of each world, with so many events; tables are used for so many weeks."""

    markets: int
    events: int
    refit_weeks: int
    changing_events: int
    martingale_runs: int
    cost_events: int
    cost_days: int


SIZES = {
    "full": Size(3, 300, 1, 900, 200, 1000, 60),
    "small": Size(1, 200, 4, 300, 3, 100, 30),
}


def size_asked() -> Size:
    """What BENCH_FORECASTS names, with as many years of the martingale as BENCH_MARTINGALE_RUNS says."""
    size = SIZES[os.environ.get("BENCH_FORECASTS", "full")]
    runs = int(os.environ.get("BENCH_MARTINGALE_RUNS", size.martingale_runs))
    return Size(**(vars(size) | {"martingale_runs": runs}))


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


def run_worlds(connection: Connection, size: Size) -> bool:
    """Print L, coverage and the gates of each world; whether all bounds hold."""
    holds = True
    for world in World:
        found: list[Backtest] = []
        for seed in range(1, size.markets + 1):
            say(f"{world.name} {seed}")
            with world_tables(connection, world, seed, size.events):
                found.append(run_backtest(connection, refit_weeks=size.refit_weeks))
        heading(f"Forecasts in the world {world.name}, markets of {size.events} events: {size.markets}, means")
        holds &= _figures(world, found)
        if world is World.LATE_COLLAPSE:
            opened = [any(gates[7, phase] for gates in one.gates.values() for phase in ("0-3", "4-7")) for one in found]
            holds &= figure("markets in which the gate of 7 days opens", sum(opened), "", least=len(found))
        if world is World.REGIME_CHANGE:
            holds &= _closes(connection, size)
    return holds


def _figures(world: World, found: list[Backtest]) -> bool:
    holds = True
    for horizon in (1, 3, 7, 14):
        for part in ("0-14", "over 14"):
            value = mean(of(one.by_time, horizon, part, "error_ratio") for one in found)
            most = 0.95 if (world, horizon, part) == (World.LATE_COLLAPSE, 7, "0-14") else None
            holds &= figure(f"L by time, {horizon} days, {part} days to the event", value, "", most=most)
            shown = mean(of(one.by_time, horizon, part, "shown_error_ratio") for one in found)
            most = 1.01 if part == "over 14" else None
            holds &= figure(f"L of what was shown, {horizon} days, {part} days to the event", shown, "", most=most)
    for horizon in (1, 3, 7, 14):
        by_event = mean(of(one.by_event, horizon, "all", "coverage_80") for one in found)
        holds &= figure(f"coverage of 80 % by event, {horizon} days", 100 * by_event, "%", least=77, most=83)
        by_time = mean(of(one.by_time, horizon, "all", "coverage_80") for one in found)
        least = 75 if horizon == 1 else 64
        holds &= figure(f"coverage of 80 % by time, {horizon} days", 100 * by_time, "%", least=least)
        late = mean(of(one.by_time, horizon, "0-14", "coverage_80") for one in found)
        holds &= figure(f"coverage by time within 14 days, {horizon} days", 100 * late, "%", least=least)
        control = mean(of(one.by_time, horizon, "0-14", "constant_coverage_80") for one in found)
        # a control that is as right as the method would say that the method does nothing
        holds &= figure(f"control: the same with one range for all, {horizon} days", 100 * control, "%", most=75)
    return holds


def _closes(connection: Connection, size: Size) -> bool:
    """Whether each gate that was open at the change of a market is shut a month later."""
    opened, late, weeks_open = 0, 0, []
    for seed in range(1, size.markets + 1):
        say(f"a change of {size.changing_events} events, {seed}")
        with world_tables(connection, World.REGIME_CHANGE, seed, size.changing_events) as truth:
            gates = run_backtest(connection, gates_only=True, refit_weeks=size.refit_weeks).gates
        change = date.fromisoformat(str(truth.change_date)[:10])
        before = [week for week in gates if week <= change]
        after = [week for week in gates if week > change]
        for gate in (key for key, is_open in gates[max(before)].items() if is_open):
            opened += 1
            shut = min((week for week in after if not gates[week][gate]), default=date.max)
            late += shut > change + timedelta(days=31)
            weeks_open.append((shut - change).days / 7)
    figure(f"gates open at the change (markets of {size.changing_events} events: {size.markets})", opened, "")
    if weeks_open:
        figure("of these, the longest open", max(weeks_open), "weeks")
    return figure("of these, open a month later", late, "", most=0)


def run_martingale(connection: Connection, runs: int) -> bool:
    """Print in how many martingale years any gate is open at the end. Tables are refitted every four weeks."""
    heading(f"Gates in {runs} years of a market that cannot be forecast")
    false, started = 0, time.perf_counter()
    for seed in range(1, runs + 1):
        with world_tables(connection, World.MARTINGALE, 1000 + seed):
            gates = run_backtest(connection, gates_only=True, refit_weeks=4).gates
        false += any(gates[max(gates)].values())
        if seed % 10 == 0:
            say(f"{false} of {seed} after {time.perf_counter() - started:.0f} s")
    return figure("years with any gate open at their end", 100 * false / runs, "%", most=5)


def run(connection: Connection, size: Size) -> bool:
    """Print all figures of the worlds; whether their bounds hold."""
    holds = run_worlds(connection, size)
    return run_martingale(connection, size.martingale_runs) and holds
