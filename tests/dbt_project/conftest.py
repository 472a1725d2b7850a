"""Some days of the simulated market, captured, read and rolled up once: every test here has a copy of them."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from orchestration.partitions import HOUR
from tests.support.databases import fresh_database, use_database
from tests.support.dbt_runs import run_dbt
from tests.support.markets import TEN
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import capture_tick, floor_to_grid, read_tick
from tickettape.settings import Settings

DAYS = 5
PRODUCTIONS = 4


def some_days(now: datetime) -> list[datetime]:
    """The running hour's ticks, one of each of the last 26 hours, and the same hour of the days before.

    Of the days before, the next hour's too: it may be the running one when a test's turn comes.
    """
    hour = floor_to_grid(HOUR, now)
    before = [hour - hours * HOUR for hours in range(1, 27)]
    days = [hour + next_hour - timedelta(days=day) for day in range(2, DAYS + 1) for next_hour in (0 * HOUR, HOUR)]
    return sorted(ticks_of_hour(now) + before + days)


def ticks_of_hour(now: datetime) -> list[datetime]:
    """The running hour's ticks so far."""
    hour = floor_to_grid(HOUR, now)
    return [tick for number in range(6) if (tick := hour + number * TEN) <= now]


def capture_and_read(connection: Connection, ticks: list[datetime]) -> None:
    """Capture the simulated market at ticks in order, and read its answers."""
    market = SimulatedMarketplace(seed=7, events=PRODUCTIONS, clock=lambda: ticks[-1])
    ensure_partitions(connection, ticks)
    for tick in ticks:
        capture_tick(connection, market, tick, None, "a-test")
        read_tick(connection, market, tick, Settings().partial_tolerance, "a-test", only_received=True)


@pytest.fixture(scope="session")
def template(server_url: str, template: str) -> str:
    """The name of a database with some days of the simulated market, to copy."""
    ticks = some_days(datetime.now(UTC))
    market = SimulatedMarketplace(seed=7, events=PRODUCTIONS, clock=lambda: ticks[-1])
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        use_database(patch, url)
        with Warehouse().connection() as connection:
            found = asyncio.run(discover_events(market, "search", "simulated")).events
            upsert_events(connection, market.source, map(asdict, found))
            capture_and_read(connection, ticks)
        run_dbt("run")
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(
                f"create database template_simulated template {psycopg.conninfo.conninfo_to_dict(url)['dbname']}"
            )
    return "template_simulated"
