"""Whole ticks: the job `tick` in this process, on a real Postgres, with real dbt, against the simulator."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from orchestration.definitions import build_defs
from orchestration.partitions import partition_of
from orchestration.run_plan import TICK_TAG
from tests.support.markets import TEN, watching
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import floor_to_grid
from tickettape.rollups import pending_buckets
from tickettape.settings import Settings

HOUR = timedelta(hours=1)
MONTHS_EDGE = datetime(2026, 11, 1, tzinfo=UTC)


def market(at: datetime, productions: int = 3) -> SimulatedMarketplace:
    """A small simulated market whose catalogue is that of a given time."""
    return SimulatedMarketplace(seed=7, events=productions, clock=lambda: at)


def run_tick(
    warehouse: Warehouse, instance: dg.DagsterInstance, marketplace: Any, tick: datetime | None, **more: Any
) -> dg.ExecuteInProcessResult:
    defs = build_defs(settings=Settings(), warehouse=warehouse, marketplaces=watching(marketplace))
    return defs.resolve_job_def("tick").execute_in_process(
        instance=instance,
        tags={TICK_TAG: tick.isoformat()} if tick else {},
        run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        partition_key=partition_of(tick) if tick else None,
        **more,
    )


def facts(connection: Connection) -> tuple[int, int, int]:
    row = connection.execute(
        """select (select count(*) from market.captures), (select count(*) from market.capture_payloads),
                  (select count(*) from market.section_snapshots)"""
    ).fetchone()
    assert row is not None
    return row


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    event, *_ = [e for e in result.get_asset_materialization_events() if e.asset_key == dg.AssetKey(asset)]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_a_tick_captures_every_event_reads_it_and_rolls_it_up_and_the_same_tick_again_stores_nothing_twice(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance
) -> None:
    now = datetime.now(UTC)
    tick = floor_to_grid(TEN, now)
    first = run_tick(warehouse, instance, market(now), tick)
    assert first.success
    assert all(check.passed for check in first.get_asset_check_evaluations())
    health = metadata(first, "captures")
    assert health["events captured"] == health["requests received"] == health["events watched"] == 3
    assert (health["success rate"], health["requests blocked"], health["events stale"]) == (1.0, 0, 0)
    assert 0 < health["latency p50 (ms)"] <= health["latency p99 (ms)"] < 60_000
    assert health["breaker"] == "The breaker of simulator is closed."
    assert metadata(first, "section_snapshots")["ok"] == 3
    stored = facts(connection)
    assert stored[0] == stored[1] == 3
    assert stored[2] == metadata(first, "section_snapshots")["rows"] > 50
    assert pending_buckets(connection) == {}
    latest = connection.execute("select count(*), count(distinct event_id) from analytics.latest_prices").fetchone()
    assert latest is not None
    assert latest[1] == 3
    assert connection.execute("select status, events_scraped from market.scraper_jobs").fetchall() == [("success", 3)]
    assert connection.execute("select distinct source from analytics.events").fetchall() == [("simulator",)]

    second = run_tick(warehouse, instance, market(now), tick)
    assert second.success
    assert metadata(second, "captures")["events due"] == 0
    assert facts(connection) == stored


def test_hours_across_a_months_edge_backfilled_are_exact_and_again_change_nothing(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance
) -> None:
    start, end = MONTHS_EDGE - HOUR, MONTHS_EDGE + HOUR
    backfill = {
        "dagster/asset_partition_range_start": partition_of(start),
        "dagster/asset_partition_range_end": partition_of(end - HOUR),
        "dagster/backfill": "a-test",
    }
    simulated = market(start)

    def run() -> dg.ExecuteInProcessResult:
        defs = build_defs(settings=Settings(), warehouse=warehouse, marketplaces=watching(simulated))
        return defs.resolve_job_def("tick").execute_in_process(
            instance=instance,
            tags=backfill,
            run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        )

    result = run()
    assert result.success
    for asset, figure in (("captures", "events captured"), ("section_snapshots", "answers read")):
        assert by_hour(result, asset, figure) == by_hour_in_tables(connection)  # each hour's own, and not the sum
    assert connection.execute("select count(distinct tick) from market.captures").fetchone() == (12,)
    assert connection.execute("select month from market.months order by month").fetchall() == [
        (MONTHS_EDGE.date().replace(month=10),),
        (MONTHS_EDGE.date(),),
    ]
    rollups = {}
    for table in ("event_hours", "aggregated_analytics", "event_days", "daily_analytics", "latest_prices"):
        rollups[table] = rows_of(connection, table)
        assert rollups[table]
    assert pending_buckets(connection) == {}
    stored = facts(connection)
    assert run().success
    assert facts(connection) == stored
    for table, rows in rollups.items():
        assert rows_of(connection, table) == rows


def by_hour(result: dg.ExecuteInProcessResult, asset: str, figure: str) -> dict[str, int]:
    """A figure of an asset, by the hour that it is of."""
    made = [e.materialization for e in result.get_asset_materialization_events() if e.asset_key == dg.AssetKey(asset)]
    return {str(one.partition): int(str(one.metadata[figure].value)) for one in made}


def by_hour_in_tables(connection: Connection) -> dict[str, int]:
    rows = connection.execute(
        "select date_trunc('hour', tick, 'UTC'), count(*) from market.captures group by 1 order by 1"
    ).fetchall()
    return {partition_of(hour): count for hour, count in rows}


def rows_of(connection: Connection, table: str) -> set[Any]:
    rows = connection.execute(f"select to_jsonb(t) - 'created_at' from analytics.{table} as t").fetchall()
    return {str(row) for (row,) in rows}
