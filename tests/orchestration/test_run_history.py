"""Dagster's history: what goes, and what the UI must go on knowing. On Dagster's real storage, in Postgres."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration import instance as storage
from orchestration.partitions import HOURLY
from orchestration.run_history import Materialized, PrunedRuns, partition_has_data, prune_runs, run_may_go
from tickettape.database import Connection
from tickettape.settings import ROOT

OCTOBER, NOVEMBER = "2026-10-31-23:00", "2026-11-20-12:00"


@dg.asset(partitions_def=HOURLY, check_specs=[dg.AssetCheckSpec("looked_at", asset="by_hour")])
def by_hour() -> Iterator[dg.MaterializeResult[None]]:
    """Made of every hour."""
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="looked_at", passed=True)])


@dg.asset(partitions_def=HOURLY)
def fails() -> None:
    """Fails after `by_hour` was made."""
    raise dg.Failure("as it should", allow_retries=False)


@dg.asset
def whole() -> None:
    """Has no partitions."""


@pytest.fixture
def instance(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Dagster as the project's dagster.yaml sets it up, on the test's database."""
    monkeypatch.setattr(storage, "database_url", lambda: database_url)
    config = (ROOT / "dagster.yaml").read_text().replace(".local/", f"{tmp_path}/")
    (tmp_path / "dagster.yaml").write_text(config)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def run(instance: dg.DagsterInstance, *assets: dg.AssetsDefinition, partition: str | None = None) -> str:
    result = dg.materialize(assets, instance=instance, partition_key=partition, raise_on_error=False)
    return result.run_id


def prune(instance: dg.DagsterInstance, connection: Connection, *, days_later: int, months: set[date]) -> PrunedRuns:
    return prune_runs(
        instance,
        connection,
        now=datetime.now(UTC) + timedelta(days=days_later),
        success_days=30,
        failure_days=180,
        months=months,
        say=lambda _: None,
    )


def runs(instance: dg.DagsterInstance) -> set[str]:
    return {record.dagster_run.run_id for record in instance.get_run_records()}


def test_old_runs_go_and_the_newest_materialization_of_every_partition_with_data_stays(
    instance: dg.DagsterInstance, connection: Connection, tmp_path: Path
) -> None:
    october = [run(instance, by_hour, partition=OCTOBER) for _ in range(2)]
    november = [run(instance, by_hour, partition=NOVEMBER) for _ in range(2)]
    unpartitioned = [run(instance, whole) for _ in range(2)]
    failed = run(instance, by_hour, fails, partition="2026-11-20-13:00")
    every = {*october, *november, *unpartitioned, failed}
    both = {date(2026, 10, 1), date(2026, 11, 1)}

    assert prune(instance, connection, days_later=29, months=both).deleted == 0
    assert runs(instance) == every

    pruned = prune(instance, connection, days_later=31, months=both)
    assert (pruned.deleted, pruned.kept, pruned.left) == (3, 3, 0)
    checks = connection.execute("select distinct run_id from dagster.asset_check_executions").fetchall()
    assert {run_id for (run_id,) in checks} == {october[1], november[1], failed}
    assert runs(instance) == {october[1], november[1], unpartitioned[1], failed}
    kept = instance.get_latest_storage_id_by_partition(by_hour.key, dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert set(kept) == {OCTOBER, NOVEMBER, "2026-11-20-13:00"}
    assert instance.get_latest_materialization_event(whole.key) is not None
    gone = every - runs(instance)
    row = connection.execute("select count(*) from dagster.event_logs where run_id = any(%s)", [list(gone)]).fetchone()
    assert row == (0,)
    logs = {path.name for path in (tmp_path / "dagster" / "logs").glob("*")}
    assert not gone & logs
    assert runs(instance) & logs
    assert prune(instance, connection, days_later=31, months=both).deleted == 0

    # October has gone to cold storage, with its hours; the failure is old, but made what nobody made again
    pruned = prune(instance, connection, days_later=181, months={date(2026, 11, 1)})
    assert runs(instance) == {november[1], unpartitioned[1], failed}
    again = run(instance, by_hour, partition="2026-11-20-13:00")
    assert prune(instance, connection, days_later=181, months={date(2026, 11, 1)}).deleted == 1
    assert runs(instance) == {november[1], unpartitioned[1], again}


@pytest.mark.parametrize(
    ("made", "may_go"),
    [
        ([], True),
        ([Materialized("a", NOVEMBER, 4)], True),
        ([Materialized("a", NOVEMBER, 5)], False),
        ([Materialized("a", OCTOBER, 9)], True),  # the newest, of an hour without data
        ([Materialized("a", OCTOBER, 9), Materialized("b", None, 7)], False),
        ([Materialized("b", None, 6), Materialized("gone", None, 1)], False),  # an asset that nothing else knows of
    ],
)
def test_a_run_stays_while_it_is_the_newest_maker_of_something_with_data(
    made: list[Materialized], may_go: bool
) -> None:
    newest = {("a", NOVEMBER): 5, ("a", OCTOBER): 9, ("b", None): 7}
    assert run_may_go(made, newest, lambda partition: partition != OCTOBER) == may_go


@pytest.mark.parametrize(
    ("partition", "has_data"),
    [
        (NOVEMBER, True),
        ("2026-11-01-00:00", True),
        (OCTOBER, False),
        ("2026-10-01", True),  # a month's partition is not an hour
        (None, True),
    ],
)
def test_an_hour_has_data_while_its_month_has_and_everything_else_always(partition: str | None, has_data: bool) -> None:
    assert partition_has_data(partition, {date(2026, 11, 1)}) == has_data
