"""The history before the first tick: filled in once, by a backfill that may be killed, never for a real market."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import dagster as dg
import pytest

from orchestration.dbt import Dbt, dbt_resource
from orchestration.definitions import build_defs
from orchestration.partitions import HOUR
from orchestration.simulated_history import (
    JOB,
    MOST_EVENTS,
    History,
    build_history_sensor,
    history_to_fill,
    plan_history,
    why_no_history,
)
from tests.support.markets import TEN
from tests.support.simulated_market import BreakingMarket
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.marketplaces import Marketplaces, WatchedMarketplace
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.marketplaces.vividseats import VividSeats
from tickettape.observations import capture_tick, floor_to_grid, read_tick, ticks_between
from tickettape.settings import Settings

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOURS = 3


@pytest.fixture
def market() -> BreakingMarket:
    return BreakingMarket(seed=7, events=1)


@pytest.fixture
def program(
    market: BreakingMarket, warehouse: Warehouse, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> "Program":
    made = WithoutRollups(**dbt_resource().model_dump())
    monkeypatch.setattr("orchestration.dbt.dbt_resource", lambda: made)
    return Program(market, warehouse, instance)


class WithoutRollups(Dbt):
    """A dbt that makes none."""

    def cli(self, *_: Any, **__: Any) -> Any:
        return Mock()


class Program:
    """`make dev`, run by run."""

    def __init__(self, market: BreakingMarket, warehouse: Warehouse, instance: dg.DagsterInstance) -> None:
        settings = Settings(simulator_history_hours=HOURS, simulator_events=1)
        self.watched = WatchedMarketplace(settings, market)
        self.instance = instance
        self.defs = build_defs(
            settings=settings, warehouse=warehouse, marketplaces=Marketplaces({market.source: self.watched})
        )
        self.sensor = build_history_sensor(self.watched, warehouse)

    def asked(self) -> Any:
        """What the sensor wants now."""
        return self.sensor(dg.build_sensor_context(instance=self.instance))

    def run(self) -> bool:
        """A run of the job, without its rollups: those of `make demo`'s test are real."""
        job = self.defs.resolve_job_def(JOB)
        return job.execute_in_process(instance=self.instance, run_config=QUIET, raise_on_error=False).success


def test_the_history_is_filled_in_once_and_goes_on_when_it_was_cut(
    program: Program, market: BreakingMarket, connection: Connection
) -> None:
    assert "first tick" in program.asked().skip_message
    found = asyncio.run(discover_events(market, "search", "simulated")).events
    upsert_events(connection, "simulator", map(asdict, found))
    tick = floor_to_grid(TEN, datetime.now(UTC))
    ensure_partitions(connection, [tick])
    capture_tick(connection, market, tick, None, "a live tick")
    read_tick(connection, market, tick, 0.05, "a live tick", only_received=True)

    first = program.asked()
    assert isinstance(first, dg.RunRequest)
    market.read, market.breaks_at = 0, 10
    assert not program.run()
    read = "select count(*) from market.captures where status = 'ok'"
    assert 3 <= count(connection, read) <= 10
    assert history_to_fill(connection)  # its answers are no backlog

    again = program.asked()
    assert again.run_key != first.run_key
    left = count(connection, "select count(*) from market.captures where status = 'received'")
    market.read, market.breaks_at = 0, None
    assert program.run()
    assert market.read == left  # and nothing again
    assert "filled in at" in program.asked().skip_message
    assert not history_to_fill(connection)
    begin = floor_to_grid(HOUR, tick - HOURS * HOUR)
    ticks = [row[0] for row in connection.execute("select tick from market.captures order by tick").fetchall()]
    assert ticks == [*ticks_between(begin, tick + TEN, TEN)]
    assert count(connection, read) == len(ticks)
    names = connection.execute("select distinct source, name like '%(simulated)' from market.events").fetchall()
    assert names == [("simulator", True)]

    with dg.DagsterInstance.ephemeral() as later:  # whose runs were deleted long ago
        program.instance = later
        assert "filled in at" in program.asked().skip_message


def count(connection: Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def test_only_the_simulator_in_this_process_gets_a_history_and_only_if_it_is_wanted(warehouse: Warehouse) -> None:
    def sensors(market: Any, **settings: Any) -> set[str]:
        watched = WatchedMarketplace(Settings(**settings), market)
        defs = build_defs(
            settings=watched.settings, warehouse=warehouse, marketplaces=Marketplaces({market.source: watched})
        )
        return {sensor.name for sensor in defs.sensors or [] if "history" in sensor.name}

    assert sensors(SimulatedMarketplace(events=1)) == {"fill_simulated_history_simulator"}
    assert sensors(SimulatedMarketplace(events=1), simulator_history_hours=0) == set()
    assert sensors(VividSeats("http://127.0.0.1:1", "a test", source="vividseats")) == set()


def test_a_database_in_use_and_a_market_of_many_events_get_none() -> None:
    assert why_no_history(NOON - 2 * TEN, NOON, events=24) is None
    assert "since 2026-11-27 12:00" in str(why_no_history(NOON - timedelta(days=2), NOON, events=24))
    assert "tickettape backfill" in str(why_no_history(NOON, NOON, events=MOST_EVENTS + 1))


def test_it_reaches_back_from_the_first_tick_and_not_beyond_the_partitions() -> None:
    assert plan_history(NOON + TEN, hours=168) == History(NOON - 168 * HOUR, NOON + TEN)
    beyond = plan_history(datetime(2026, 8, 2, tzinfo=UTC), hours=168)
    assert beyond.start == datetime(2026, 8, 1, tzinfo=UTC)


def test_it_has_every_tick_of_its_last_day_and_one_an_hour_before_that() -> None:
    history = History(NOON, NOON + timedelta(hours=26, minutes=20))
    day = [history.before - number * TEN for number in range(144, 0, -1)]
    assert [*history.ticks(TEN)] == [NOON, NOON + HOUR, NOON + 2 * HOUR, *day]
