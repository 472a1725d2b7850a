"""A live tick does its own work whatever was left before it, and what was left is done beside it."""

import asyncio
import threading
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from orchestration.background import BACKGROUND
from orchestration.definitions import build_defs
from orchestration.partitions import partition_of
from orchestration.run_plan import SOURCE_TAG, TICK_TAG
from orchestration.unread import unread_ticks
from tests.support.markets import TEN, watching
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, Warehouse, ensure_partitions, live_work, try_lock
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import capture_tick, floor_to_grid
from tickettape.rollups import pending_buckets
from tickettape.settings import Settings

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
OLD_TICKS = 4
DAYS_AGO = timedelta(days=3)


class Market(SimulatedMarketplace):
    """A small market; `unreadable` answers are more than the reader can take."""

    unreadable: bytes | None = None

    def read_listings(self, body: bytes, external_id: str, tolerance: float) -> Any:
        if body == self.unreadable:
            raise RuntimeError("a mistake in the reader")
        return super().read_listings(body, external_id, tolerance)


@pytest.fixture
def market(connection: Connection) -> Market:
    now = datetime.now(UTC)
    market = Market(seed=7, events=3, clock=lambda: now)
    found = asyncio.run(discover_events(market, "search", "simulated")).events
    upsert_events(connection, "simulator", map(asdict, found))
    return market


@pytest.fixture
def left(connection: Connection, market: Market) -> list[datetime]:
    """Ticks of three days ago that are captured, and that nobody has read."""
    first = floor_to_grid(timedelta(hours=1), datetime.now(UTC) - DAYS_AGO)
    ticks = [first + number * TEN for number in range(OLD_TICKS)]
    ensure_partitions(connection, ticks)
    for tick in ticks:
        capture_tick(connection, market, tick, None, "a run that was killed")
    return ticks


def run(
    job: str, warehouse: Warehouse, instance: dg.DagsterInstance, market: Market, **more: Any
) -> dg.ExecuteInProcessResult:
    defs = build_defs(settings=Settings(), warehouse=warehouse, marketplaces=watching(market))
    return defs.resolve_job_def(job).execute_in_process(
        instance=instance, run_config=QUIET, raise_on_error=False, **more
    )


def unread(connection: Connection) -> int:
    row = connection.execute("select count(*) from market.captures where status = 'received'").fetchone()
    return int(row[0]) if row else 0


def hours(connection: Connection) -> set[datetime]:
    return {hour for (hour,) in connection.execute("select hour from analytics.event_hours").fetchall()}


def test_a_live_tick_reads_and_rolls_up_its_own_and_the_backlog_is_done_by_a_run_of_its_own(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance, market: Market, left: list[datetime]
) -> None:
    tick = floor_to_grid(TEN, datetime.now(UTC))
    tags = {TICK_TAG: tick.isoformat(), SOURCE_TAG: "simulator"}
    live = run("tick", warehouse, instance, market, tags=tags, partition_key=partition_of(tick))
    assert live.success
    assert unread(connection) == 3 * OLD_TICKS
    hour = floor_to_grid(timedelta(hours=1), tick)
    assert hours(connection) == {hour}
    old = floor_to_grid(timedelta(hours=1), left[0])
    assert pending_buckets(connection, tick) == {}
    assert pending_buckets(connection)["event_hours"] == 3
    assert unread_ticks(connection, instance, Settings()) == left

    done = run("read_backlog", warehouse, instance, market)
    assert done.success
    assert unread(connection) == 0
    assert hours(connection) == {old, hour}
    assert pending_buckets(connection) == {}
    assert unread_ticks(connection, instance, Settings()) == []


def test_a_tick_that_cannot_be_read_costs_the_backlog_only_itself(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance, market: Market, left: list[datetime]
) -> None:
    market.unreadable = asyncio.run(first_answer(market, connection, left[0]))
    done = run("read_backlog", warehouse, instance, market)
    assert not done.success
    assert unread(connection) == 3  # its whole tick, which is read in one transaction
    assert unread_ticks(connection, instance, Settings()) == left[:1]


async def first_answer(market: Market, connection: Connection, tick: datetime) -> bytes:
    row = connection.execute("select external_id from market.events order by event_key limit 1").fetchone()
    assert row is not None
    async with market:
        answer = await market.listings(row[0], tick)
    assert answer.body is not None
    return answer.body


@pytest.mark.race
def test_a_backlog_is_read_between_the_live_ticks_and_not_beside_them(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance, market: Market, left: list[datetime]
) -> None:
    threads: list[threading.Thread] = []
    with warehouse.connection() as other:
        with live_work(other):
            threads.append(threading.Thread(target=run, args=("read_backlog", warehouse, instance, market)))
            threads[0].start()
            wait_until_held(connection)
            time.sleep(1)
            assert unread(connection) == 3 * OLD_TICKS  # it waits before the first tick
        threads[0].join()  # control: it waited for nothing else
    assert unread(connection) == 0


def wait_until_held(connection: Connection) -> None:
    """Wait for the run of the backlog to begin."""
    for _ in range(600):
        with try_lock(connection, BACKGROUND) as free:
            if not free:
                return
        time.sleep(0.05)
    raise AssertionError("the backlog was not begun in 30 s")


def test_what_a_backfill_has_captured_and_not_read_yet_is_no_backlog_while_it_lives(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance, market: Market, left: list[datetime]
) -> None:
    with try_lock(connection, BACKGROUND):
        done = run("read_backlog", warehouse, instance, market)
    assert done.success
    assert unread(connection) == 3 * OLD_TICKS


def test_what_a_run_under_way_is_about_is_its_own(
    connection: Connection, instance: dg.DagsterInstance, left: list[datetime]
) -> None:
    tags = {TICK_TAG: left[1].isoformat(), SOURCE_TAG: "simulator"}
    instance.add_run(dg.DagsterRun("tick", status=dg.DagsterRunStatus.STARTED, tags=tags))
    instance.add_run(
        dg.DagsterRun("tick", status=dg.DagsterRunStatus.FAILURE, tags=tags | {TICK_TAG: left[2].isoformat()})
    )
    assert unread_ticks(connection, instance, Settings()) == [left[0], *left[2:]]
