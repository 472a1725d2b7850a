"""What is known of Dagster's runs: which tick is under way, and whose process is gone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg
import psutil

from orchestration.instance import HOST_TAG
from orchestration.partitions import HOUR, hour_of_partition
from orchestration.run_plan import RANGE_END_TAG, RANGE_START_TAG, SHARD_TAG, SOURCE_TAG, TICK_TAG, tick_of
from orchestration.schedule_lease import host_name

SILENT = timedelta(minutes=30)
"""Longer than any step of a tick is silent: a capture lasts for its interval, a build speaks all the time."""

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
    """A run of a marketplace's tick, or of a shard of it, that has not ended, if there is one.

    One that another machine started counts until its tick is over: nothing can be captured for it any more, and nobody
    here can see whether that machine is still there.
    """
    runs = [*runs_under_way(instance, "tick", source), *runs_under_way(instance, "shard", source)]
    for run in runs:
        tick = tick_of(run.tags)
        here = run.tags.get(HOST_TAG, host_name()) == host_name()
        if tick is not None and (here or now < tick + interval):
            return run
    return None


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


def runs_under_way(instance: dg.DagsterInstance, job_name: str, source: str | None = None) -> list[dg.DagsterRun]:
    """The runs of a job (for one marketplace) that have not ended."""
    tags = {SOURCE_TAG: source} if source is not None else None
    return list(instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=UNDER_WAY, tags=tags)))


def newest_end(instance: dg.DagsterInstance, job_name: str) -> tuple[datetime, bool] | None:
    """When the newest run of a job that has ended ended, and whether it succeeded; None where none has."""
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
    """What becomes of the work of a run that was cut."""
    if TICK_TAG in tags:
        return "Its tick is run again by itself while that lasts."
    if RANGE_START_TAG in tags:
        begin, last = hour_of_partition(tags[RANGE_START_TAG]), hour_of_partition(tags[RANGE_END_TAG])
        source = f" --source {tags[SOURCE_TAG]}" if SOURCE_TAG in tags else ""
        hours = f"--from {begin:%Y-%m-%dT%H:%MZ} --to {last + HOUR:%Y-%m-%dT%H:%MZ}{source}"
        return f"Its backfill goes on where it stopped with: tickettape backfill {hours}"
    return "It can be run again."


def close_abandoned(instance: dg.DagsterInstance) -> list[str]:
    """Fail the runs whose process is gone; their ids. Dagster's default launcher cannot see that a worker died.

    Launchers that send runs to other machines can. The process of a run that another program has started elsewhere
    cannot be seen either: such a run of a tick is failed once it has said nothing for SILENT, and others are left to
    Dagster's longest time for a run.
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
            message = f"The process of this run (pid {pids[-1][0]}) is gone: it was killed. {what_follows(run.tags)}"
            instance.report_run_failed(run, message)
            closed.append(run.run_id)
    return closed


def _silent_since(instance: dg.DagsterInstance, run_id: str) -> datetime:
    """When a run was last heard of."""
    newest = instance.get_records_for_run(run_id, limit=1, ascending=False).records
    return datetime.fromtimestamp(newest[0].timestamp if newest else 0, UTC)


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
