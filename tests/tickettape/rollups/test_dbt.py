"""R16, and the recording itself, with real dbt runs."""

from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.cli.main import dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from tests.support.added_columns import with_column
from tests.support.dbt_observations import contents, marks_of, versions
from tests.support.dbt_runs import PLACE, fresh_manifest, run_dbt, tries_dbt
from tests.support.markets import NOON, TEN, Section, add_event, observe
from tests.support.oracle import assert_exact, differences
from tests.support.recorded_refresh import Refresh
from tickettape.database import Connection
from tickettape.rollups import ROLLUP_NAMES, ROLLUPS_ALONE, export_dbt_environment
from tickettape.rollups.dbt import dbt_runner
from tickettape.rollups.registry import SNAPSHOT_ROLLUPS
from tickettape.settings import ROOT, Settings

LONG_AGO = NOON - timedelta(days=70)


@pytest.fixture
def event(connection: Connection) -> int:
    """An event that two looks have left dirty."""
    event = add_event(connection)
    observe(connection, event, NOON, Section("A", "101"))
    observe(connection, event, NOON + TEN, Section("A", "101"), Section("B", "201"))
    return event


def why(result: dbtRunnerResult) -> str:
    """What a failed run says."""
    return str(result.exception) + "".join(str(node.message) for node in getattr(result.result, "results", []))


def test_a_dbt_run_does_what_the_recorded_statements_do(connection: Connection, refresh: Refresh, event: int) -> None:
    run_dbt(*ROLLUPS_ALONE)
    assert_exact(connection)
    by_dbt = contents(connection)
    connection.execute("update market.captures set note = 'again'")
    refresh.run_until_clean(connection)
    assert_exact(connection)
    assert contents(connection) == by_dbt
    oracles = ("--select", "path:dbt_project/tests/oracle", "--exclude", "tag:box_office")
    run_dbt("test", *oracles)
    connection.execute("update analytics.daily_analytics set peak_tickets = peak_tickets + 1")
    assert not tries_dbt("test", *oracles).success


def test_r16_an_empty_run_takes_no_mark(connection: Connection, event: int) -> None:
    waiting = marks_of(connection)
    assert waiting
    result = tries_dbt(*ROLLUPS_ALONE, "--empty")
    assert not result.success
    assert "--empty would take the marks" in why(result)
    assert marks_of(connection) == waiting


@pytest.mark.parametrize(("target", "schema"), [("sandbox", "sandbox"), ("warehouse", "sandbox")])
def test_r16_another_target_or_schema_takes_no_mark(
    connection: Connection, event: int, tmp_path: Path, target: str, schema: str
) -> None:
    profiles = yaml.safe_load((ROOT / "profiles" / "profiles.yml").read_text())
    output = profiles["tickettape"]["outputs"]["warehouse"]
    profiles["tickettape"] |= {"target": target, "outputs": {target: output | {"schema": schema}}}
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profiles))
    waiting = marks_of(connection)
    export_dbt_environment(Settings(), all_of_it=True)
    own = ["--profiles-dir", str(tmp_path), "--target-path", str(tmp_path), "--log-path", str(tmp_path), "--quiet"]
    result = dbt_runner().invoke([*ROLLUPS_ALONE, "--project-dir", str(ROOT), *own])
    assert not result.success
    assert "may not take the warehouse's marks" in why(result)
    assert marks_of(connection) == waiting
    assert connection.execute("select * from market.claimed_buckets").fetchall() == []


@pytest.fixture
def frozen(connection: Connection, refresh: Refresh, event: int) -> str:
    """The rollups with a month in the archive, whose facts are gone; an SQL condition for its hours."""
    observe(connection, event, LONG_AGO, Section("A", "101", [500]))
    refresh.run_until_clean(connection)
    month = f"{LONG_AGO:%Y-%m}-01"
    connection.execute("update market.months set state = 'archived' where month = %s", [month])
    for table in ("captures", "section_snapshots"):
        connection.execute(f"drop table market.{table}_{LONG_AGO:%Y_%m}")
    return f"hour < '{NOON - timedelta(days=1)}'"


def refreshed(manifest: Manifest) -> dbtRunnerResult:
    return dbt_runner(manifest).invoke([*ROLLUPS_ALONE, *PLACE, "--quiet"])


def test_r16_a_column_added_beside_frozen_hours_loses_none_of_them(connection: Connection, frozen: str) -> None:
    kept = versions(connection, "event_hours", frozen)
    assert len(kept) == 1
    assert marks_of(connection) == set()

    # the rollup adds what its contract has, and recomputes the hours whose facts are here, marked or not
    done = refreshed(with_column("lucky", "integer", "7"))
    assert done.success, why(done)
    assert versions(connection, "event_hours", frozen) == kept
    assert connection.execute(
        "select hour, lucky, ok_captures from analytics.event_hours order by hour"
    ).fetchall() == [(LONG_AGO, None, 1), (NOON, 7, 2)]
    assert marks_of(connection) == set()

    # with a default, the frozen ones have that; and a second refresh adds and recomputes nothing
    connection.execute("alter table analytics.event_hours drop column lucky")
    done = refreshed(with_column("lucky", "integer", "7", not_null="default 3"))
    assert done.success, why(done)
    assert versions(connection, "event_hours", frozen) == kept
    before = versions(connection, "event_hours")
    assert refreshed(with_column("lucky", "integer", "7", not_null="default 3")).success
    assert versions(connection, "event_hours") == before
    assert connection.execute("select lucky from analytics.event_hours order by hour").fetchall() == [(3,), (7,)]

    # in the table alone: the run may fail, the rows stay
    observe(connection, 1, NOON + 3 * TEN, Section("A", "101"))
    tries_dbt(*ROLLUPS_ALONE)
    assert versions(connection, "event_hours", frozen) == kept
    assert differences(connection) == dict.fromkeys(ROLLUP_NAMES, 0)


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ({"not_null": ""}, "column 'lucky' is new and not null, and older rows have no value for it"),
        ({"declared": False}, "missing in contract"),
    ],
)
def test_r16_a_column_that_older_rows_or_the_contract_cannot_have_is_refused_and_takes_no_mark(
    connection: Connection, event: int, frozen: str, column: dict[str, Any], reason: str
) -> None:
    before = contents(connection)
    observe(connection, event, NOON + 2 * TEN, Section("A", "101"))
    waiting = marks_of(connection, "event_hours")
    refused = refreshed(with_column("lucky", "integer", "7", **column))
    assert not refused.success
    assert reason in why(refused)
    assert marks_of(connection, "event_hours") == waiting
    of_snapshots = SNAPSHOT_ROLLUPS
    after = contents(connection)
    assert {rollup: after[rollup] for rollup in of_snapshots} == {rollup: before[rollup] for rollup in of_snapshots}


def test_r16_a_full_refresh_beside_frozen_hours_loses_none_of_them(
    connection: Connection, event: int, frozen: str
) -> None:
    before = contents(connection)
    run_dbt(*ROLLUPS_ALONE, "--full-refresh")
    assert contents(connection) == before
    assert versions(connection, "event_hours", frozen)


@pytest.mark.parametrize(
    "asked",
    [
        "{{ claims() }}",
        "{{ sales_claims() }}",
        "{{ _rollup_named('event_hour') }}",
        "{{ _rollup_named('event_hours', 'sales_rollup') }}",
    ],
)
@pytest.mark.usefixtures("database_url")
def test_a_name_that_no_rollup_has_raises_instead_of_emptying_a_bucket(
    asked: str, capfd: pytest.CaptureFixture[str]
) -> None:
    refused = tries_dbt("compile", "--inline", asked)
    assert not refused.success
    assert "No rollup is named" in f"{refused.exception} {capfd.readouterr()}"


def test_a_rollup_that_may_be_refreshed_before_one_that_marks_it_is_refused(connection: Connection, event: int) -> None:
    export_dbt_environment(Settings(), all_of_it=True)
    manifest = fresh_manifest()
    hours = manifest.nodes["model.tickettape.event_hours"]
    hours.config = deepcopy(hours.config)  # which all copies of the manifest share
    hours.config.meta["marks"].append("range_hours")
    refused = dbt_runner(manifest).invoke(["run", "--select", "range_hours", *PLACE, "--quiet"])
    assert not refused.success
    assert "range_hours is marked by event_hours and must be refreshed after it" in why(refused)
    assert "-- depends_on: {{ ref('event_hours') }}" in why(refused)
