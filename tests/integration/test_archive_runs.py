"""The archive in Dagster and on the command line: the sensor asks, the runs archive and restore."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions import build_defs
from orchestration.sensors import build_archive_sensor
from tests.support.markets import watching
from tests.support.old_months import AUGUST, FACTS, copies, differences, fill, state
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.rollups import pending_buckets
from tickettape.settings import Settings

SEPTEMBER, OCTOBER = AUGUST.replace(month=9), AUGUST.replace(month=10)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Raw data for a month, dropped as soon as it is detached."""
    return Settings(raw_months=1, keep_detached_days=0, cold_storage_url=str(tmp_path))


def test_the_sensor_asks_for_one_month_at_a_time_and_its_runs_archive_and_restore_it(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance, settings: Settings
) -> None:
    defs = build_defs(settings=settings, warehouse=warehouse, marketplaces=watching(SimulatedMarketplace(events=1)))
    sensor = build_archive_sensor(settings, warehouse)
    cursor: str | None = None

    def ask() -> tuple[str, str] | None:
        nonlocal cursor
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        result = sensor(context)
        if isinstance(result, dg.SkipReason):
            return None
        assert isinstance(result, dg.SensorResult)
        cursor = result.cursor
        [request] = result.run_requests or []
        assert request.partition_key
        assert request.run_key
        return request.partition_key, request.run_key

    def run(job: str, month: date, **more: Any) -> dg.ExecuteInProcessResult:
        run_config = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}} | more
        return defs.resolve_job_def(job).execute_in_process(
            instance=instance, partition_key=f"{month}", run_config=run_config
        )

    assert ask() is None
    for month in (AUGUST, SEPTEMBER, OCTOBER):
        fill(connection, month)
    assert ask() == ("2026-08-01", "2026-08-01 attempt 1")
    assert ask() == ("2026-09-01", "2026-09-01 attempt 1")  # August was not archived: September gets its turn
    assert ask() == ("2026-08-01", "2026-08-01 attempt 2")

    copies(connection, *(f"market.{table}" for table in FACTS))
    result = run("archive", AUGUST)
    [archived] = result.asset_materializations_for_node("archived_months")
    assert archived.metadata["step"].value == "dropped"
    assert (
        archived.metadata["rows exported"].value == 15 + 28 + 15 + 28
    )  # captures, snapshots, listing changes, price ranges
    assert state(connection, AUGUST) == ("archived", "dropped")
    assert pending_buckets(connection).get("event_hours", 0) == 0
    hours = connection.execute("select count(*) from analytics.event_hours where hour < '2026-09-01'").fetchone()
    assert hours == (2 * 3 + 1,)  # refreshed before the facts went
    assert ask() == ("2026-09-01", "2026-09-01 attempt 2")

    restore = {"ops": {"restored_month": {"config": {"until": "2999-12-31", "replay_late": True}}}}
    assert run("restore_month", AUGUST, **restore).success
    for table in FACTS:
        assert differences(connection, f"market.{table}") == []
    run("archive", SEPTEMBER)
    assert ask() is None  # August is pinned, and the newest months stay
