"""A replay of stored answers that was cut goes on where it stopped."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from orchestration import background
from orchestration.assets.section_snapshots import section_snapshots
from orchestration.partitions import HOUR, partition_of
from orchestration.run_backfill import run_that_was_cut
from orchestration.run_plan import RANGE_END_TAG, RANGE_START_TAG, read_before
from tests.support.markets import TEN, watching
from tests.support.simulated_market import BreakingMarket
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.observations import capture_tick, floor_to_grid

START = floor_to_grid(HOUR, datetime.now(UTC) - timedelta(days=2))
TICKS = [START + number * TEN for number in range(12)]
HOURS = {RANGE_START_TAG: partition_of(START), RANGE_END_TAG: partition_of(START + HOUR)}


@pytest.fixture
def market(connection: Connection) -> BreakingMarket:
    """One event, captured for two hours."""
    now = datetime.now(UTC)
    market = BreakingMarket(seed=7, events=1, clock=lambda: now)
    found = asyncio.run(discover_events(market, "search", "simulated")).events
    upsert_events(connection, "simulator", map(asdict, found))
    ensure_partitions(connection, TICKS)
    for tick in TICKS:
        capture_tick(connection, market, tick, None, "a test")
    return market


def replay(warehouse: Warehouse, instance: dg.DagsterInstance, market: BreakingMarket, tags: dict[str, str]) -> bool:
    return dg.materialize(
        [section_snapshots],
        selection=[section_snapshots],
        instance=instance,
        tags=tags,
        resources={"warehouse": warehouse, "marketplaces": watching(market)},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    ).success


def test_only_what_was_not_read_is_read_and_a_new_replay_reads_all(
    warehouse: Warehouse, instance: dg.DagsterInstance, market: BreakingMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "SAY_EVERY_SECONDS", 0)
    market.breaks_at = 8
    assert not replay(warehouse, instance, market, HOURS)
    cut = run_that_was_cut(instance, HOURS)
    assert cut is not None
    assert read_before(cut.tags, "simulator") == TICKS[7]
    market.read, market.breaks_at = 0, None
    assert replay(warehouse, instance, market, dict(cut.tags))
    assert market.read == 5
    assert run_that_was_cut(instance, HOURS) is None
    market.read = 0
    assert replay(warehouse, instance, market, HOURS)
    assert market.read == 12
