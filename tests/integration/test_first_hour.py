"""A first start on an empty database, and the hour after it: nothing is told that is not wrong."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.definitions import build_defs
from orchestration.incidents import Watched, find_incidents
from orchestration.partitions import partition_of
from orchestration.run_plan import SOURCE_TAG, TICK_TAG
from orchestration.sensors import build_partitions_sensor
from tests.support.markets import TEN, watching
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import floor_to_grid
from tickettape.observations.poll_schedule import PollRules, plan_polls
from tickettape.settings import Settings

QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
MINUTE = timedelta(minutes=1)


def test_a_first_start_on_an_empty_database_and_an_hour_of_it_tell_nothing(
    warehouse: Warehouse, connection: Connection, tmp_path: Path
) -> None:
    settings = Settings(backup_url=str(tmp_path / "backups"), cold_storage_url=str(tmp_path / "cold"))
    now = datetime.now(UTC)
    first = floor_to_grid(TEN, now - timedelta(hours=1))
    start = first + TEN - timedelta(seconds=20)  # the clock: this program began just before a tick's end
    market = SimulatedMarketplace(seed=7, events=3, clock=lambda: start)
    defs = build_defs(settings=settings, warehouse=warehouse, marketplaces=watching(market))
    watched = Watched.all_of(defs.get_repository_def())
    with dg.DagsterInstance.ephemeral() as instance:

        def run(job: str, **more: Any) -> None:
            result = defs.resolve_job_def(job).execute_in_process(instance=instance, **more)
            assert result.success

        def told(at: datetime) -> list[str]:
            return [one.title for one in find_incidents(settings, warehouse, instance, watched, at)]

        tags = {TICK_TAG: first.isoformat(), SOURCE_TAG: "simulator"}
        run("tick", tags=tags, partition_key=partition_of(first), run_config=QUIET)
        connection.execute("update market.events set created_at = %s", [start])
        plan_polls(connection, "simulator", first, PollRules(TEN))
        connection.execute("update market.poll_schedule set interval_minutes = 10, advanced = false")
        ensure_partitions(connection, [start + timedelta(hours=2)])
        run("health")  # before the partitions are made, and long before the first backup
        assert told(start) == []
        asked = build_partitions_sensor(warehouse)(dg.build_sensor_context(instance=instance))
        assert isinstance(asked, dg.RunRequest)
        run("make_partitions")
        assert isinstance(build_partitions_sensor(warehouse)(dg.build_sensor_context(instance=instance)), dg.SkipReason)
        run("health")
        for minute in range(61):
            at = start + minute * MINUTE
            # the second tick finds the first under way and is skipped; each later one lands a minute after its time
            landed = floor_to_grid(TEN, at - MINUTE)
            connection.execute("update market.captures set tick = %s", [landed if landed >= first + 2 * TEN else first])
            assert (minute, told(at)) == (minute, [])
        # a control: a day later no backup was made, and no tick came
        connection.execute("update market.database_sizes set measured_at = measured_at - interval '27 hours'")
        run("health")
        later = start + timedelta(hours=3)
        coming = connection.execute("select count(*) from market.events where date > %s", [later]).fetchone()
        assert coming
        assert sorted(told(later)) == ["1 checks warn", f"Prices of {coming[0]} events of simulator are stale"]
