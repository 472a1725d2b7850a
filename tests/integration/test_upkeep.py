"""The house's own work as Dagster runs it: its jobs, on a real database, and apart from the ticks."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from orchestration.definitions import build_defs
from tests.support.markets import TEN, Section, add_event, observe
from tickettape.database import Connection, Warehouse
from tickettape.settings import Settings

JOBS = ("link_events", "refit_forecasts", "retention", "pack", "upkeep", "backup", "prove_backup", "health")


def test_the_tick_does_none_of_the_upkeep_and_the_upkeep_runs_by_default() -> None:
    defs = build_defs(settings=Settings())
    of_tick = {key.to_user_string() for key in defs.resolve_job_def("tick").asset_layer.executable_asset_keys}
    graph = defs.resolve_asset_graph()
    of_upkeep = {key.to_user_string() for key in dg.AssetSelection.groups("upkeep").resolve(graph)}
    assert len(of_upkeep) == 13
    assert not of_tick & of_upkeep
    scheduled = {schedule.job_name: schedule for schedule in defs.get_repository_def().schedule_defs}
    assert set(JOBS) < set(scheduled)
    assert all(scheduled[job].default_status is dg.DefaultScheduleStatus.RUNNING for job in JOBS)


def test_every_job_of_the_upkeep_runs_and_says_what_it_found(
    warehouse: Warehouse, connection: Connection, tmp_path: Path
) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    event = add_event(connection)
    for tick in (now, now - TEN):
        observe(connection, event, tick, Section("A", "101"))
    packed_day = now - timedelta(days=9)
    observe(connection, event, packed_day, Section("A", "101"), Section("B", "201"))
    connection.execute("delete from market.dirty_buckets where bucket < %s", [packed_day + timedelta(hours=1)])
    connection.execute(
        """insert into box_office.users (email, full_name, password_hash, deleted_at)
           select days || '@example.com', 'A user', 'x', now() - days * interval '1 day'
           from unnest('{89,91}'::int[]) as days"""
    )
    connection.execute("insert into market.slow_statements values (%s, 'select pg_sleep(2)', 1, 2, 2)", [now.date()])
    settings = Settings(backup_url=str(tmp_path / "backups"), cold_storage_url=str(tmp_path / "cold"))
    defs = build_defs(settings=settings, warehouse=warehouse)
    found: dict[str, dict[str, Any]] = {}
    checks: dict[str, dg.AssetCheckEvaluation] = {}
    with dg.DagsterInstance.ephemeral() as instance:
        for job in JOBS:
            result = defs.resolve_job_def(job).execute_in_process(instance=instance)
            assert result.success
            for event_ in result.get_asset_materialization_events():
                assert event_.asset_key is not None
                metadata = event_.materialization.metadata
                found[event_.asset_key.to_user_string()] = {name: value.value for name, value in metadata.items()}
            checks |= {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert found["event_links"]["links made or ended"] == 0
    assert found["backups"]["rows"] == found["proved_backup"]["rows"] > 0
    assert found["database_health"]["marks"] > 0
    # the embedded server has no pg_stat_statements: the service's own log is shown, and said to be that
    assert found["database_health"]["slowest statements, of"].startswith("the service alone")
    assert "select pg_sleep" in str(found["database_health"]["slowest statements"])
    assert found["database_health"]["database bytes"] > 1_000_000
    assert found["vacuumed_tables"]["tables"] >= 3
    assert found["expired_hours"]["months moved"] == []
    assert connection.execute("select email from box_office.users").fetchall() == [("89@example.com",)]
    assert (found["packed_days"]["event-days packed"], found["packed_days"]["rows packed"]) == (1, 2)
    assert found["packed_days"]["event-days left"] == 0
    assert connection.execute("select count(*) from market.all_snapshots").fetchone() == (4,)
    assert checks["backups_are_fresh"].passed
    assert set(checks) == {"storage", "connections", "xid_age", "marks", "partitions_ahead", "backups_are_fresh"}
    assert "captures_" in str(checks["partitions_ahead"].description)


def test_cold_storage_that_does_not_answer_does_not_keep_the_database_from_being_judged(
    warehouse: Warehouse, connection: Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    nobody = {"key": "k", "secret": "s", "endpoint_url": "http://127.0.0.1:9"}
    settings = Settings(cold_storage_url="s3://cold/months", storage_options=SecretStr(json.dumps(nobody)))
    job = build_defs(settings=settings, warehouse=warehouse).resolve_job_def("health")
    result = job.execute_in_process()
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert (checks["connections"], checks["xid_age"]) == (True, True)
    (shown,) = (one.metadata for one in result.asset_materializations_for_node("database_health"))
    assert "market.section_snapshots" in str(shown["storage"])
    assert "cold storage (s3://cold/months) cannot be listed" in capfd.readouterr().err
