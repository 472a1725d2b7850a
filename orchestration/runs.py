"""What is known of Dagster's runs: which tick is under way, and whose process is gone."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import dagster as dg
import psutil

from orchestration.run_plan import SHARD_TAG, TICK_TAG

UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def tick_under_way(instance: dg.DagsterInstance) -> dg.DagsterRun | None:
    """A run of a tick, or of a shard of it, that has not ended, if there is one."""
    runs = [*runs_under_way(instance, "tick"), *runs_under_way(instance, "shard")]
    return next((run for run in runs if TICK_TAG in run.tags), None)


def sharded_tick_to_roll_up(shards: Iterable[dg.DagsterRun]) -> tuple[str, int] | None:
    """The newest tick whose shards have all ended, and how many runs they were; None while there is none.

    One that failed has ended too: what it had in hand, another captured.
    """
    of_tick: dict[str, list[dg.DagsterRun]] = defaultdict(list)
    for run in shards:
        of_tick[run.tags[TICK_TAG]].append(run)
    for tick in sorted(of_tick, reverse=True):
        runs = of_tick[tick]
        planned = max(int(run.tags[SHARD_TAG].partition("/")[2]) for run in runs)
        if len(runs) >= planned and not any(run.status in UNDER_WAY for run in runs):
            return tick, len(runs)
    return None


def runs_under_way(instance: dg.DagsterInstance, job_name: str) -> list[dg.DagsterRun]:
    """The runs of a job that have not ended."""
    return list(instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=UNDER_WAY)))


def runs_of_tick(instance: dg.DagsterInstance, tick: datetime) -> list[dg.DagsterRun]:
    """Every run that was started for a tick."""
    return list(instance.get_runs(dg.RunsFilter(tags={TICK_TAG: tick.isoformat()})))


def has_failed(run: dg.DagsterRun) -> bool:
    """Whether a run ended without success."""
    return run.status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def close_abandoned(instance: dg.DagsterInstance) -> list[str]:
    """Fail the runs whose process is gone; their ids. Dagster's default launcher cannot see that a worker died.

    Launchers that send runs to other machines can, and those processes' ids mean nothing here.
    """
    if instance.run_launcher.supports_check_run_worker_health:
        return []
    closed = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNDER_WAY)):
        run = record.dagster_run
        pids = _pids(instance, run.run_id)
        if pids and not any(_lives(pid, started_by=at) for pid, at in pids):
            message = f"The process of this run (pid {pids[-1][0]}) is gone: it was killed. Its tick can be run again."
            instance.report_run_failed(run, message)
            closed.append(run.run_id)
    return closed


def _pids(instance: dg.DagsterInstance, run_id: str) -> list[tuple[int, float]]:
    """(pid, when it said so) of every process that reported to work on a run."""
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
    found = []
    for record in records:
        event = record.event_log_entry.dagster_event
        metadata = event.engine_event_data.metadata if event else {}
        if "pid" in metadata:
            found.append((int(str(metadata["pid"].value)), record.event_log_entry.timestamp))
    return found


def _lives(pid: int, *, started_by: float) -> bool:
    """Whether the process that had this pid then is still the one that has it now."""
    try:
        process = psutil.Process(pid)
        return float(process.create_time()) <= started_by and str(process.status()) != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
