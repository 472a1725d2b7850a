"""Stored answers drawn at random: of the newest tick in the history, and of one before it."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from tests.support.markets import TEN
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import capture_tick, floor_to_grid, read_tick, sample_answers

NEWEST = floor_to_grid(TEN, datetime.now(UTC)) - TEN
MARKET = SimulatedMarketplace(seed=7, events=6, clock=lambda: NEWEST)


@pytest.fixture
def ticks(connection: Connection) -> list[datetime]:
    """Two ticks of a market of six events, captured and read."""
    found = asyncio.run(discover_events(MARKET, "search", "simulated")).events
    upsert_events(connection, MARKET.source, map(asdict, found))
    ticks = [NEWEST - TEN, NEWEST]
    ensure_partitions(connection, ticks)
    for tick in ticks:
        capture_tick(connection, MARKET, tick, None, "a test")
        read_tick(connection, MARKET, tick, 0.05, "a test", only_received=True)
    return ticks


def test_so_many_answers_of_the_newest_tick_are_drawn_as_they_came(
    connection: Connection, ticks: list[datetime]
) -> None:
    drawn = sample_answers(connection, MARKET.source, ticks[0], each=2)
    newest = [one for one in drawn if one.tick == ticks[1]]
    assert len(newest) == 2
    assert len({one.event_key for one in newest}) == 2
    for one in drawn:
        assert MARKET.read_listings(one.answer, one.external_id, 0.05).external_id == one.external_id


def test_only_what_came_since_and_of_that_marketplace_is_drawn(connection: Connection, ticks: list[datetime]) -> None:
    assert {one.tick for one in sample_answers(connection, MARKET.source, ticks[1], each=9)} == {ticks[1]}
    assert sample_answers(connection, MARKET.source, ticks[1] + TEN, each=9) == []
    assert sample_answers(connection, "vividseats", ticks[0], each=9) == []
