"""The nightly audit looks at everything, finds one corrupted rollup row, and keeps what it found."""

import dagster as dg

from orchestration import jobs
from orchestration.definitions import build_defs
from orchestration.partitions import HOURLY
from orchestration.schedules import HOUSEKEEPING
from tests.support.dbt_runs import run_dbt
from tests.support.failed_checks import tells_what_to_do
from tickettape.database import Connection, Warehouse
from tickettape.rollups import ROLLUPS_ALONE, mark_hours_between
from tickettape.settings import Settings


def audit(warehouse: Warehouse, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    defs = build_defs(settings=Settings(), warehouse=warehouse)
    return defs.resolve_job_def("nightly_audit").execute_in_process(
        instance=instance,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )


def test_the_audit_finds_a_corrupted_row_that_no_tick_looks_at_until_it_is_recomputed(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance
) -> None:
    corrupted = connection.execute(
        """update analytics.aggregated_analytics set min_price = min_price - 0.01
           where (event_id, zone, hour) in (
               select event_id, zone, hour from analytics.aggregated_analytics
               where hour < now() - interval '3 days'
               order by date_trunc('day', hour, 'UTC'), min_price limit 1)  -- so the day has another lowest price too
           returning hour, zone"""
    ).fetchone()
    assert corrupted
    hour, zone = corrupted
    run_dbt("test", "--exclude", "tag:nightly", "resource_type:unit_test", all_of_it=False)  # a tick's tests pass

    found = audit(warehouse, instance)
    assert not found.success
    checks = {check.asset_key.to_user_string(): check for check in found.get_asset_check_evaluations()}
    assert {"aggregated_analytics", "daily_analytics", "event_hours", "event_days", "latest_prices"} <= set(checks)
    red = checks["daily_analytics"]
    assert not red.passed
    assert red.severity is dg.AssetCheckSeverity.ERROR
    assert tells_what_to_do(red.description)
    assert "hours_make_up_their_day (2 rows)" in str(red.description)
    sample = red.metadata["hours_make_up_their_day: failing rows (up to 10)"]
    assert isinstance(sample, dg.TableMetadataValue)
    assert {record.data["zone"] for record in sample.records} == {zone}
    rows = connection.execute(
        """select run_id, status, severity, failures, sample -> 0 ->> 'zone' from market.audits
           where test = 'hours_make_up_their_day'"""
    ).fetchall()
    assert rows == [(found.run_id, "fail", "error", 2, zone)]
    assert connection.execute("select count(*) filter (where status = 'pass') > 20 from market.audits").fetchone() == (
        True,
    )

    mark_hours_between(connection, hour, hour.replace(minute=59))
    run_dbt(*ROLLUPS_ALONE)
    run_dbt("test", "--exclude", "resource_type:unit_test")


def test_the_audit_runs_every_night_without_being_told_and_never_in_a_tick() -> None:
    [schedule] = [one for one in HOUSEKEEPING if one.job_name == "nightly_audit"]
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    graph = build_defs(settings=Settings()).resolve_asset_graph()
    in_a_tick = {check.name for check in jobs.tick.selection.resolve_checks(graph)}
    assert {check.name for check in jobs.nightly_audit.selection.resolve_checks(graph)} == {"audit"}
    assert "audit" not in in_a_tick
    assert {"prices_do_not_jump", "hours_make_up_their_day"} <= in_a_tick


def test_a_run_that_makes_assets_does_not_look_at_all_rows(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance
) -> None:
    """From the UI, Dagster adds the audit to such a run, so to each backfill."""
    latest_prices = dg.AssetKey("latest_prices")
    repository = build_defs(settings=Settings(), warehouse=warehouse).get_repository_def()
    job = repository.get_maybe_subset_job_def("__ASSET_JOB", asset_selection={latest_prices})
    assert job
    assert "audit" in {node.name for node in job.nodes}
    made = job.execute_in_process(
        instance=instance, partition_key=HOURLY.get_last_partition_key(), asset_selection=[latest_prices]
    )
    assert made.success
    assert [event.asset_key for event in made.get_asset_materialization_events()] == [latest_prices]
    checked = {check.check_name for check in made.get_asset_check_evaluations()}
    assert "zones_do_not_vanish_at_once" in checked
    assert not {"audit", "latest_prices_equals_a_recomputation"} & checked
    observed = {
        str(event.asset_observation_data.asset_observation.metadata.get("unique_id"))
        for event in made.all_events
        if event.event_type is dg.DagsterEventType.ASSET_OBSERVATION
    }
    assert not [test for test in observed if "recomputation" in test]
    assert connection.execute("select count(*) from market.audits").fetchone() == (0,)
