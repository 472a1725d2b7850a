"""Questions about Dagster's runs: which tick is in progress, and which runs have lost their process."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg
import psutil

from orchestration.instance import HOST_TAG
from orchestration.partitions import HOUR, hour_of_partition
from orchestration.run_plan import (
    HISTORY_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
    SHARD_TAG,
    SOURCE_TAG,
    TICK_TAG,
    tick_of,
)
from orchestration.schedule_lease import host_name

SILENT = timedelta(minutes=30)
"""Longer than any step of a tick logs nothing: a capture ends within its interval, and a build logs all the time."""

UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def tick_under_way(
    instance: dg.DagsterInstance, source: str, *, now: datetime, interval: timedelta
) -> dg.DagsterRun | None:
    """A run of a marketplace's tick, or of a shard of one, that has not ended; None if there is none.

    A run on another machine counts only until its tick is over. After that it can capture nothing more, and this
    machine cannot see whether the other one is still there.
    """
    runs = [*runs_under_way(instance, "tick", source), *runs_under_way(instance, "shard", source)]
    for run in runs:
        tick = tick_of(run.tags)
        here = run.tags.get(HOST_TAG, host_name()) == host_name()
        if tick is not None and (here or now < tick + interval):
            return run
    return None


def sharded_tick_to_roll_up(shards: Iterable[dg.DagsterRun]) -> tuple[str, int] | None:
    """The newest tick whose shards have all ended, and how many runs they were; None if there is none.

    A shard that failed has ended too: the other shards captured its events.
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


def runs_under_way(instance: dg.DagsterInstance, job_name: str, source: str | None = None) -> list[dg.DagsterRun]:
    """The runs of a job (of one marketplace) that have not ended."""
    tags = {SOURCE_TAG: source} if source is not None else None
    return list(instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=UNDER_WAY, tags=tags)))


def newest_end(instance: dg.DagsterInstance, job_name: str) -> tuple[datetime, bool] | None:
    """When the newest finished run of a job ended, and whether it succeeded; None if no run has finished."""
    over = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    for record in instance.get_run_records(dg.RunsFilter(job_name=job_name, statuses=over), limit=1):
        return record.update_timestamp.astimezone(UTC), not has_failed(record.dagster_run)
    return None


def runs_of_tick(instance: dg.DagsterInstance, source: str, tick: datetime) -> list[dg.DagsterRun]:
    """Every run that was started for a marketplace's tick."""
    return list(instance.get_runs(dg.RunsFilter(tags={TICK_TAG: tick.isoformat(), SOURCE_TAG: source})))


def has_failed(run: dg.DagsterRun) -> bool:
    """Whether a run ended without success."""
    return run.status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def what_follows(tags: Mapping[str, str]) -> str:
    """A sentence for the operator: how the work of a killed run is continued."""
    if TICK_TAG in tags:
        return "Its tick is run again by itself while that lasts."
    if HISTORY_TAG in tags:
        return "Another one goes on where it stopped, by itself."
    if RANGE_START_TAG in tags:
        begin, last = hour_of_partition(tags[RANGE_START_TAG]), hour_of_partition(tags[RANGE_END_TAG])
        source = f" --source {tags[SOURCE_TAG]}" if SOURCE_TAG in tags else ""
        hours = f"--from {begin:%Y-%m-%dT%H:%MZ} --to {last + HOUR:%Y-%m-%dT%H:%MZ}{source}"
        return f"Its backfill goes on where it stopped with: tickettape backfill {hours}"
    return "It can be run again."


def close_abandoned(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed whose process is gone. Returns their ids. Dagster's default launcher cannot do this.

    Launchers that start runs on other machines can, so nothing is done for them. A process on another machine cannot be
    seen from here. So a tick's run on another machine is marked as failed after it has logged nothing for SILENT. All
    other runs there are left to Dagster's limit for the duration of a run.
    """
    if instance.run_launcher.supports_check_run_worker_health:
        return []
    closed = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNDER_WAY)):
        run = record.dagster_run
        host = run.tags.get(HOST_TAG, host_name())
        if host != host_name():
            if TICK_TAG in run.tags and _silent_since(instance, run.run_id) < datetime.now(UTC) - SILENT:
                message = f"This run is on {host}, and has logged nothing for {SILENT}. Its tick can be run again."
                instance.report_run_failed(run, message)
                closed.append(run.run_id)
            continue
        pids = _pids(instance, run.run_id)
        if pids and not any(_lives(pid, started_by=at) for pid, at in pids):
            message = (
                f"The process of this run (pid {pids[-1][0]}) is gone: it was killed, or it could not record its end, "
                f"because the disk was full or the database away. {what_follows(run.tags)}"
            )
            instance.report_run_failed(run, message)
            closed.append(run.run_id)
    return closed


def _silent_since(instance: dg.DagsterInstance, run_id: str) -> datetime:
    """The time of a run's newest event."""
    newest = instance.get_records_for_run(run_id, limit=1, ascending=False).records
    return datetime.fromtimestamp(newest[0].timestamp if newest else 0, UTC)


def _pids(instance: dg.DagsterInstance, run_id: str) -> list[tuple[int, float]]:
    """(pid, time of the report) of every process that reported to work on a run."""
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
    found = []
    for record in records:
        event = record.event_log_entry.dagster_event
        metadata = event.engine_event_data.metadata if event else {}
        if "pid" in metadata:
            found.append((int(str(metadata["pid"].value)), record.event_log_entry.timestamp))
    return found


def _lives(pid: int, *, started_by: float) -> bool:
    """Whether the process that had this pid at that time still runs: a later process can have the same pid."""
    try:
        process = psutil.Process(pid)
        return float(process.create_time()) <= started_by and str(process.status()) != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
