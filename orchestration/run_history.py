"""Delete Dagster's old runs: Dagster itself keeps every run and event for ever.

Deleting a run also deletes its materializations, and the UI then shows their partitions as never materialized. So a run
is kept while it is the newest that materialized a partition that still has data.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from orchestration.instance import SCHEMA
from orchestration.partitions import HOURLY
from tickettape.database import Connection, month_of

SUCCEEDED = (dg.DagsterRunStatus.SUCCESS,)
FAILED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
LONGEST_SECONDS = 1800  # the first time there may be a year of runs; the next night continues
SAY_EVERY = 200


@dataclass(frozen=True)
class Materialized:
    """A materialization: its asset and partition, and its place in Dagster's event log."""

    asset: str
    partition: str | None
    storage_id: int


@dataclass(frozen=True)
class PrunedRuns:
    """How many runs a pruning deleted, kept and left."""

    deleted: int
    kept: int
    left: int
    "Not examined, because the time was up."
    check_rows: int


def run_may_go(
    made: Collection[Materialized], newest: Mapping[tuple[str, str | None], int], has_data: Callable[[str | None], bool]
) -> bool:
    """Whether a run can be deleted: it is not the newest to have materialized anything that still has data."""
    return not any(
        item.storage_id >= newest.get((item.asset, item.partition), 0) and has_data(item.partition) for item in made
    )


def partition_has_data(partition: str | None, months: Collection[date]) -> bool:
    """Whether a partition may still have rows: an hour has while its month has facts or hourly rollups.

    Anything that is not an hourly partition counts as having data.
    """
    try:
        hour = datetime.strptime(partition or "", HOURLY.fmt).replace(tzinfo=UTC)
    except ValueError:
        return True
    return month_of(hour) in months


def prune_runs(
    instance: dg.DagsterInstance,
    connection: Connection,
    *,
    now: datetime,
    success_days: int,
    failure_days: int,
    months: Collection[date],
    say: Callable[[str], None],
) -> PrunedRuns:
    """Delete old runs with their events, logs and check results. `months`: the months that have data."""
    started = time.monotonic()
    newest = _newest(instance)
    candidates = [
        *_ended_before(instance, SUCCEEDED, now - timedelta(days=success_days)),
        *_ended_before(instance, FAILED, now - timedelta(days=failure_days)),
    ]
    deleted = kept = 0
    for run_id in candidates:
        if time.monotonic() - started > LONGEST_SECONDS:
            break
        if run_may_go(_made(instance, run_id), newest, lambda partition: partition_has_data(partition, months)):
            instance.delete_run(run_id)
            instance.compute_log_manager.delete_logs(prefix=[run_id])
            deleted += 1
        else:
            kept += 1
        if (deleted + kept) % SAY_EVERY == 0:
            say(f"Examined {deleted + kept} of {len(candidates)} old runs, deleted {deleted}.")
    check_rows = _delete_check_results(connection, now - timedelta(days=success_days))
    return PrunedRuns(deleted, kept, len(candidates) - deleted - kept, check_rows)


def _ended_before(
    instance: dg.DagsterInstance, statuses: Collection[dg.DagsterRunStatus], before: datetime
) -> list[str]:
    """The ids of runs that were created before an instant and have ended, oldest first."""
    records = instance.get_run_records(
        dg.RunsFilter(statuses=list(statuses), created_before=before), order_by="id", ascending=True
    )
    return [record.dagster_run.run_id for record in records]


def _newest(instance: dg.DagsterInstance) -> dict[tuple[str, str | None], int]:
    """The place in the event log of the newest materialization of every partition, and of every unpartitioned asset."""
    newest: dict[tuple[str, str | None], int] = {}
    for key in instance.get_asset_keys():
        asset = key.to_user_string()
        by_partition = instance.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
        newest.update({(asset, partition): storage_id for partition, storage_id in by_partition.items()})
        latest = instance.fetch_materializations(key, limit=1).records
        if latest and latest[0].partition_key is None:
            newest[asset, None] = latest[0].storage_id
    return newest


def _made(instance: dg.DagsterInstance, run_id: str) -> list[Materialized]:
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    return [
        Materialized(record.asset_key.to_user_string(), record.partition_key, record.storage_id)
        for record in records
        if record.asset_key is not None
    ]


def _delete_check_results(connection: Connection, before: datetime) -> int:
    """Delete old check results whose run is gone, except the newest of each check. Returns how many.

    Dagster has no call for this: deleting a run leaves its check results, some 60 a tick.
    """
    exists = connection.execute("select to_regclass(%s) is not null", [f"{SCHEMA}.asset_check_executions"]).fetchone()
    if not (exists and exists[0]):
        return 0
    deleted = connection.execute(
        f"""delete from {SCHEMA}.asset_check_executions as old
            using (
                select asset_key, check_name, partition, max(id) as id
                from {SCHEMA}.asset_check_executions group by asset_key, check_name, partition
            ) as newest
            where old.asset_key = newest.asset_key and old.check_name = newest.check_name
                and old.partition is not distinct from newest.partition and old.id < newest.id
                and old.create_timestamp < %s
                and not exists (select from {SCHEMA}.runs where runs.run_id = old.run_id)""",  # noqa: S608
        [before.astimezone(UTC).replace(tzinfo=None)],
    )
    return deleted.rowcount
