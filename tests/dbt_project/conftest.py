"""Some days of the simulated market, captured, read and rolled up once: every test here has a copy of them."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from orchestration.partitions import HOUR, floor_to
from tests.conftest import fresh_database
from tests.support.dbt_runs import run_dbt
from tests.support.markets import TEN
from tickettape.catalogue import events as catalogue
from tickettape.catalogue.discovery import discover
from tickettape.database import partitions, server
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations.capture_tick import capture_tick
from tickettape.observations.read_answers import read_tick
from tickettape.resources import Warehouse
from tickettape.settings import Settings

DAYS = 5
PRODUCTIONS = 4


def some_days(now: datetime) -> list[datetime]:
    """The running hour's ticks, one of each of the last 26 hours, and the same hour of the days before."""
    hour = floor_to(HOUR, now)
    running = [tick for number in range(6) if (tick := hour + number * TEN) <= now]
    before = [hour - hours * HOUR for hours in range(1, 27)]
    days = [hour - timedelta(days=day) for day in range(2, DAYS + 1)]
    return sorted(running + before + days)


@pytest.fixture(scope="session")
def template(server_url: str, template: str) -> str:
    """The name of a database with some days of the simulated market, to copy."""
    ticks = some_days(datetime.now(UTC))
    market = SimulatedMarketplace(seed=7, productions=PRODUCTIONS, clock=lambda: ticks[-1])
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "database_url", lambda: url)
        with Warehouse().connection() as connection:
            found = asyncio.run(discover(market, "search", "simulated"))
            catalogue.upsert_events(connection, market.source, map(asdict, found))
            partitions.ensure_partitions(connection, ticks)
            for tick in ticks:
                capture_tick(connection, market, tick, None, "a-test")
                read_tick(connection, market, tick, Settings().partial_tolerance, "a-test", only_received=True)
        run_dbt("run")
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(
                f"create database template_simulated template {psycopg.conninfo.conninfo_to_dict(url)['dbname']}"
            )
    return "template_simulated"
