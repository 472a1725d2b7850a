"""Runs whose process is gone, or that are on a machine that is gone."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.events import EngineEventData

from orchestration import runs
from orchestration.instance import HOST_TAG
from orchestration.run_plan import TICK_TAG
from orchestration.runs import close_abandoned
from orchestration.schedule_lease import host_name

TICK = datetime(2026, 11, 20, 12, tzinfo=UTC).isoformat()


@pytest.fixture(autouse=True)
def _launched_here(monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    """As on one machine: an ephemeral instance's own launcher is another."""
    monkeypatch.setattr(type(instance.run_launcher), "supports_check_run_worker_health", False)


def run(instance: dg.DagsterInstance, pid: int, **tags: str) -> str:
    made = dg.DagsterRun("tick", status=dg.DagsterRunStatus.STARTED, tags=tags)
    instance.add_run(made)
    instance.report_engine_event("working", made, EngineEventData({"pid": dg.MetadataValue.text(str(pid))}))
    return made.run_id


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.processes
def test_a_run_whose_process_is_gone_is_failed_and_one_that_works_is_not(instance: dg.DagsterInstance) -> None:
    run(instance, os.getpid(), **{HOST_TAG: host_name(), TICK_TAG: TICK})
    gone = run(instance, dead_pid(), **{HOST_TAG: host_name(), TICK_TAG: TICK})
    gone_without_a_tag = run(instance, dead_pid())
    assert sorted(close_abandoned(instance)) == sorted([gone, gone_without_a_tag])
    assert close_abandoned(instance) == []


@pytest.mark.processes
def test_a_run_on_another_machine_is_not_judged_by_its_pid(instance: dg.DagsterInstance) -> None:
    run(instance, dead_pid(), **{HOST_TAG: "elsewhere", TICK_TAG: TICK})
    assert close_abandoned(instance) == []


def test_a_tick_on_another_machine_that_has_fallen_silent_is_failed_and_other_work_is_not(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = run(instance, os.getpid(), **{HOST_TAG: "elsewhere", TICK_TAG: TICK})
    run(instance, os.getpid(), **{HOST_TAG: "elsewhere"})  # an archive, say
    monkeypatch.setattr(runs, "SILENT", timedelta(0))
    assert close_abandoned(instance) == [silent]
    failed = instance.get_run_by_id(silent)
    assert failed is not None
    assert failed.status is dg.DagsterRunStatus.FAILURE
