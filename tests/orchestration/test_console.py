"""What the console shows of a run: a line, and what is wrong."""

import re
from typing import Any

import dagster as dg
import pytest

from orchestration.console import ONE_LINE, ROLLUP_HOURS, console_logger
from orchestration.definitions import defs
from orchestration.run_plan import TICK_TAG

TICK = {TICK_TAG: "2026-11-20T03:10:00+00:00"}


@dg.asset
def captures() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"events due": 26, "events captured": 24, "success rate": 0.9})


@dg.asset(deps=[captures])
def section_snapshots(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    context.log.info("24 hours of events refreshed", extra={ROLLUP_HOURS: 24})
    return dg.MaterializeResult(metadata={"rows": 1812})


@dg.asset
def broken() -> None:
    raise ValueError("nothing answers at marketplace.example\nand more lines")


@dg.asset
def suspicious(context: dg.AssetExecutionContext) -> None:
    context.log.warning("The breaker is open.")


@dg.asset_check(asset=captures)
def good() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.asset_check(asset=captures)
def odd() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="2 events are stale.")


def lines_of(capfd: pytest.CaptureFixture[str], *selected: Any, config: Any = ONE_LINE) -> list[str]:
    """What a run of some assets and checks prints."""
    job = dg.define_asset_job("tick", executor_def=dg.in_process_executor, config=config)
    assets = [one for one in selected if not isinstance(one, dg.AssetChecksDefinition)]
    checks = [one for one in selected if isinstance(one, dg.AssetChecksDefinition)]
    toy = dg.Definitions(assets, jobs=[job], asset_checks=checks, loggers={"console": console_logger})
    toy.resolve_job_def("tick").execute_in_process(tags=TICK, raise_on_error=False)
    return [re.sub(r"\(\d+ s\)", "(0 s)", line) for line in capfd.readouterr().err.splitlines()]


def test_a_tick_is_a_line_that_says_what_it_found(capfd: pytest.CaptureFixture[str]) -> None:
    assert lines_of(capfd, captures, section_snapshots, good) == [
        "tickettape: 03:10 tick: 24 of 26 events captured, 1,812 sections, 24 rollup hours refreshed, "
        "all checks passed (0 s)"
    ]


def test_a_check_that_does_not_pass_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    (line,) = lines_of(capfd, captures, good, odd)
    assert line.startswith("tickettape: warning: 03:10 tick: 24 of 26 events captured, ")
    assert "1 of 2 checks did not pass: captures:odd (2 events are stale.)" in line


def test_a_run_that_fails_says_where_why_and_where_to_look(capfd: pytest.CaptureFixture[str]) -> None:
    (line,) = lines_of(capfd, broken)
    assert re.fullmatch(
        r"tickettape: error: 03:10 tick did not succeed \(0 s\)\. broken: ValueError: nothing answers at "
        r"marketplace\.example\. See run [0-9a-f]{8} in the UI\.",
        line,
    )


def test_a_warning_is_shown_when_it_comes(capfd: pytest.CaptureFixture[str]) -> None:
    assert lines_of(capfd, suspicious)[0] == "tickettape: warning: 03:10 tick: The breaker is open."


def test_control_dagsters_own_logger_prints_every_event(capfd: pytest.CaptureFixture[str]) -> None:
    assert len(lines_of(capfd, captures, config=None)) > 10


def test_every_job_says_so_little() -> None:
    named = [job for job in defs.get_repository_def().get_all_jobs() if not job.name.startswith("__")]
    assert {"tick", "restore_month", "build_documentation"} <= {job.name for job in named}
    assert [job.name for job in named if "loggers" not in _configuration_of(job)] == []


def _configuration_of(job: dg.JobDefinition) -> dict[str, object]:
    """What Dagster starts it with where nobody says otherwise."""
    by_partition = job.partitioned_config
    if by_partition is None:
        return dict(job.run_config or {})
    first = by_partition.partitions_def.get_first_partition_key()
    assert first is not None
    return dict(by_partition.get_run_config_for_partition_key(first))
