"""SCRAPER_SHARDS: a tick as several runs of Dagster, on one plan, and the rollups once behind them."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration.definitions import build_defs
from orchestration.run_plan import PLAN_TAG, SHARD_TAG, TICK_TAG, shared_plan_of
from orchestration.runs import sharded_tick_to_roll_up
from tests.support.markets import TEN, watching
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import floor_to_grid
from tickettape.rollups import pending_buckets
from tickettape.settings import Settings

EVENTS, SHARDS = 50, 3
QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance on disk, which several threads may use."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def program(warehouse: Warehouse, now: datetime) -> dg.Definitions:
    """The program with shards, on a market of its own: a marketplace is used by one run at a time."""
    market = SimulatedMarketplace(seed=7, events=EVENTS, clock=lambda: now)
    return build_defs(
        settings=Settings(scraper_shards=SHARDS),
        warehouse=warehouse,
        marketplaces=watching(market, settings=Settings(scraper_shards=SHARDS)),
    )


def test_a_tick_of_three_shards_captures_every_event_once_and_the_rollups_follow_once(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance
) -> None:
    now = datetime.now(UTC)
    defs = program(warehouse, now)
    found = asyncio.run(
        discover_events(SimulatedMarketplace(seed=7, events=EVENTS, clock=lambda: now), "search", "sim")
    ).events
    upsert_events(connection, "simulator", map(asdict, found))

    def execute(job: str, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        return (
            program(warehouse, now)
            .resolve_job_def(job)
            .execute_in_process(
                instance=instance,
                partition_key=request.partition_key,
                tags=request.tags,
                run_config=QUIET,
                asset_selection=list(request.asset_selection) if request.asset_selection else None,
            )
        )

    def scheduled() -> list[dg.RunRequest]:
        with dg.build_schedule_context(
            instance, scheduled_execution_time=now, repository_def=defs.get_repository_def()
        ) as context:
            requests = defs.resolve_schedule_def("start_ticks_simulator").evaluate_tick(context).run_requests
        return list(requests or [])

    def followed() -> list[dg.RunRequest]:
        with dg.build_sensor_context(instance, definitions=defs) as context:
            return list(
                defs.resolve_sensor_def("roll_up_sharded_ticks_simulator").evaluate_tick(context).run_requests or []
            )

    requests = scheduled()
    assert [request.tags[SHARD_TAG] for request in requests] == ["1/3", "2/3", "3/3"]
    assert len({request.run_key for request in requests}) == SHARDS
    assert followed() == []

    with ThreadPoolExecutor(SHARDS) as pool:
        assert all(result.success for result in pool.map(lambda request: execute("shard", request), requests))
    tick = floor_to_grid(TEN, now)
    assert connection.execute("select count(*), count(distinct event_key) from market.captures").fetchone() == (
        EVENTS,
        EVENTS,
    )
    done = connection.execute("select leased_by, count(*) from market.leases where done group by 1").fetchall()
    assert sum(count for _, count in done) == EVENTS
    assert connection.execute("select count(*) from market.section_snapshots").fetchone() == (0,)

    (request,) = followed()
    assert request.tags[TICK_TAG] == tick.isoformat()
    result = execute("rollups", request)
    assert result.success
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}
    assert {"section_snapshots", "aggregated_analytics", "latest_prices"} <= made
    assert not made & {"captures", "events"}
    checked = {check.asset_check_key.to_user_string() for check in result.get_asset_check_evaluations()}
    assert "captures:captured_share" in checked
    assert all(check.passed for check in result.get_asset_check_evaluations())
    assert pending_buckets(connection) == {}
    assert connection.execute("select count(distinct event_id) from analytics.latest_prices").fetchone() == (EVENTS,)
    assert [again.run_key for again in followed()] == [request.run_key]  # which Dagster runs once


def shard(tick: str, number: int, status: dg.DagsterRunStatus, of: int = 2) -> dg.DagsterRun:
    return dg.DagsterRun("shard", tags={TICK_TAG: tick, SHARD_TAG: f"{number}/{of}"}, status=status)


def test_the_rollups_wait_for_every_shard_and_for_none_that_was_killed() -> None:
    success, failed, running = (
        dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED,
    )  # fmt: skip
    old = [shard("2026-11-20T12:00:00+00:00", number, success) for number in (1, 2)]
    new = "2026-11-20T12:10:00+00:00"
    ready = sharded_tick_to_roll_up
    assert ready([]) is None
    assert ready([shard(new, 1, success)]) is None  # the other is not there yet
    assert ready([shard(new, 1, success), shard(new, 2, running)]) is None
    assert ready([*old, shard(new, 2, running)]) == ("2026-11-20T12:00:00+00:00", 2)
    assert ready([*old, shard(new, 1, success), shard(new, 2, failed)]) == (new, 2)
    assert ready([*(shard(new, number, failed) for number in (1, 2, 1)), shard(new, 2, running)]) is None
    assert ready([shard(new, number, success) for number in (1, 2, 1, 2)]) == (new, 4)


def test_one_shard_is_one_run_of_the_whole_tick(instance: dg.DagsterInstance) -> None:
    defs = build_defs(settings=Settings())
    with dg.build_schedule_context(
        instance, scheduled_execution_time=datetime.now(UTC), repository_def=defs.get_repository_def()
    ) as context:
        (request,) = defs.resolve_schedule_def("start_ticks_simulator").evaluate_tick(context).run_requests or []
    assert defs.resolve_schedule_def("start_ticks_simulator").job_name == "tick"
    assert not {PLAN_TAG, SHARD_TAG} & request.tags.keys()
    assert request.asset_selection is None
    assert "roll_up_sharded_ticks_simulator" not in {sensor.name for sensor in defs.sensors or []}


def test_shards_share_a_plan_and_a_run_that_is_started_again_has_its_own() -> None:
    assert shared_plan_of({PLAN_TAG: "a plan"}) == "a plan"
    assert shared_plan_of({PLAN_TAG: "a plan", "dagster/parent_run_id": "x"}) is None
    assert shared_plan_of({}) is None
