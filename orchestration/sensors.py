"""Sensors: start missed ticks, sharded rollups, the backlog, the archive and missing partitions, fail killed runs."""

import json
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration import jobs, tell
from orchestration.background import BACKGROUND
from orchestration.partitions import partition_of, partition_of_month
from orchestration.run_plan import SOURCE_TAG
from orchestration.runs import (
    close_abandoned,
    has_failed,
    newest_end,
    runs_of_tick,
    runs_under_way,
    sharded_tick_to_roll_up,
    tick_under_way,
    what_follows,
)
from orchestration.schedules import name_of, tags_of_tick, tick_job, tick_requests
from orchestration.simulated_history import history_to_fill
from orchestration.start_claims import claim_start, run_once
from orchestration.unread import unread_ticks
from tickettape.database import Warehouse, known_months, months_to_archive, partitions_not_made, try_lock
from tickettape.observations import floor_to_grid, newest_captured_tick
from tickettape.rollups import oldest_mark
from tickettape.settings import Settings

SCHEDULE_IS_LATE = timedelta(seconds=60)  # the schedule normally starts a tick within some seconds
TOO_LATE = timedelta(seconds=60)  # before the next tick: a run needs half of that to begin
MARKS_WAIT = timedelta(minutes=30)  # longer than a tick, and longer than an import's pause between two refreshes
BACKLOG_AGAIN = timedelta(minutes=10)
MOST_ATTEMPTS = 3  # at one tick: enough after a killed process, and no storm of runs if something is broken


def build_first_tick_sensor(settings: Settings, warehouse: Warehouse) -> dg.SensorDefinition:
    """Start a marketplace's tick if the schedule did not or its run failed. The schedule starts a tick only once."""
    source = settings.source
    interval = timedelta(minutes=settings.scraper_interval_minutes)

    @dg.sensor(
        name=name_of("start_first_tick", source),
        job_name=tick_job(settings),
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def start_first_tick(context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        """Start the newest tick if it has no run and will get none, or if all of its runs have failed."""
        now = datetime.now(UTC)
        tick = floor_to_grid(interval, now)
        with warehouse.connection() as connection:
            newest = newest_captured_tick(connection, source)
        under_way = tick_under_way(context.instance, source, now=now, interval=interval)
        if under_way is not None:
            return dg.SkipReason(f"Run {under_way.run_id} of a tick is in progress.")
        earlier = runs_of_tick(context.instance, source, tick)
        attempts = len(earlier) // settings.scraper_shards
        failed = all(map(has_failed, earlier))
        reason = why_no_tick(tick, now, interval, newest=newest, attempts=attempts if earlier else None, failed=failed)
        if reason is not None:
            return dg.SkipReason(reason)
        # Dagster never starts a run key twice, so each attempt has its own
        return tick_requests(settings, tick, run_key=f"first {source} {tick.isoformat()} attempt {attempts + 1}")

    return start_first_tick


def why_no_tick(
    tick: datetime,
    now: datetime,
    interval: timedelta,
    *,
    newest: datetime | None,
    attempts: int | None,
    failed: bool,
) -> str | None:
    """Why the newest tick should not be started; None if it should. Called only if no run of a tick is in progress.

    `newest`: the newest captured tick. `attempts`: how often this tick was started; None if it has no run yet. The
    schedule starts a tick within seconds, unless the machine slept or the tick before had not ended. When a machine
    wakes, a run can fail before it has captured anything, because other programs are not ready yet: hence the attempts.
    """
    if attempts is not None and not failed:
        return f"Tick {tick:%H:%M} has already run."
    if attempts is not None and attempts >= MOST_ATTEMPTS:
        return f"Tick {tick:%H:%M} failed {attempts} times: the next tick starts on schedule."
    if newest is None:
        return None
    if now >= tick + interval - TOO_LATE:
        return f"Tick {tick:%H:%M} is nearly over: its due events are recorded as missed."
    if attempts is None and newest >= tick - interval and now < tick + SCHEDULE_IS_LATE:
        return f"The schedule starts tick {tick:%H:%M}."
    return None


def build_rollups_sensor(settings: Settings) -> dg.SensorDefinition:
    """Start the job `rollups` once for each tick of a marketplace, when the last shard of the tick has ended."""
    source = settings.source

    @dg.sensor(
        name=name_of("roll_up_sharded_ticks", source),
        job=jobs.rollups,
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def roll_up_sharded_ticks(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Start one run for the newest tick that is fully captured. The backlog handles what older ticks left."""
        shards = context.instance.get_runs(
            dg.RunsFilter(job_name="shard", tags={SOURCE_TAG: source}), limit=4 * settings.scraper_shards
        )
        captured = sharded_tick_to_roll_up(shards)
        if captured is None:
            return dg.SkipReason("There is no tick whose shards have all ended.")
        under_way = runs_under_way(context.instance, "rollups", source)
        if under_way:
            return dg.SkipReason(f"Run {under_way[0].run_id} of the rollups is in progress.")
        tick, count = captured
        return dg.RunRequest(
            run_key=f"{source} {tick} after {count} shards",  # with the count: if shards run again, so do the rollups
            partition_key=partition_of(datetime.fromisoformat(tick)),
            tags=tags_of_tick(settings, datetime.fromisoformat(tick)),
        )

    return roll_up_sharded_ticks


def build_backlog_sensor(settings: Settings, warehouse: Warehouse) -> dg.SensorDefinition:
    """Start runs of the job `read_backlog` for the work that killed or failed runs left."""
    own = [settings.of_source(source) for source in settings.sources]

    @dg.sensor(
        name="start_reading_backlog",
        job=jobs.read_backlog,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def start_reading_backlog(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Start one run at a time, while there are answers that no run reads, or old marks."""
        under_way = runs_under_way(context.instance, "read_backlog")
        if under_way:
            return dg.SkipReason(f"Run {under_way[0].run_id} of the backlog is in progress.")
        now = datetime.now(UTC)
        with warehouse.connection() as connection:
            with try_lock(connection, BACKGROUND) as free:
                if not free:
                    return dg.SkipReason("A backfill or a run of the backlog is in progress.")
            if history_to_fill(connection):
                return dg.SkipReason("The simulated history is filled in first. Its run reads its own answers.")
            ticks = sum(len(unread_ticks(connection, context.instance, each)) for each in own)
            marked = oldest_mark(connection)
        reason = why_no_backlog_run(ticks, marked, newest_end(context.instance, "read_backlog"), now)
        return dg.SkipReason(reason) if reason else dg.RunRequest()

    return start_reading_backlog


def why_no_backlog_run(
    ticks: int, marked: datetime | None, last_run: tuple[datetime, bool] | None, now: datetime
) -> str | None:
    """Why no run of the backlog should start; None if one should. `last_run`: when it ended, and whether it succeeded.

    What the last run could not do is tried again after BACKLOG_AGAIN, not at once: ticks that it could not read, and
    marks that it left, such as those of a model that fails.
    """
    marks = marked is not None and marked < now - MARKS_WAIT
    if not ticks and not marks:
        return "All answers are read, and no mark waits."
    if last_run is not None:
        ended, succeeded = last_run
        if now < ended + BACKLOG_AGAIN and (not ticks or not succeeded):
            return f"The last run left work that it could not do. The next one starts {BACKLOG_AGAIN} after it."
    return None


def build_archive_sensor(settings: Settings, warehouse: Warehouse) -> dg.SensorDefinition:
    """Archive months that are old enough, and drop detached months that were kept long enough."""

    @dg.sensor(
        name="archive_old_months",
        job=jobs.archive,
        minimum_interval_seconds=3600,  # a month that failed is tried again an hour later
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def archive_old_months(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        """Start one run per month and attempt, one month at a time. The cursor counts the attempts."""
        under_way = runs_under_way(context.instance, "archive")
        if under_way:
            return dg.SkipReason(f"Run {under_way[0].run_id} of the archive is in progress.")
        now = datetime.now(UTC)
        with warehouse.connection() as connection:
            known = known_months(connection, now=now)
        due = months_to_archive(
            known, now=now, raw_months=settings.raw_months, keep_detached_days=settings.keep_detached_days
        )
        unreachable = [month for month, _ in due if month < settings.first_day.replace(day=1)]
        due = [(month, what) for month, what in due if month not in unreachable]
        if not due:
            before = (
                f"; archive these months before FIRST_DAY by hand: {', '.join(map(partition_of_month, unreachable))}"
            )
            return dg.SkipReason(f"No month is due{before if unreachable else ''}.")
        attempts: dict[str, int] = json.loads(context.cursor or "{}")
        # the month with the fewest attempts: one that always fails must not block the others
        month, what = min(due, key=lambda one: (attempts.get(partition_of_month(one[0]), 0), one[0]))
        key = partition_of_month(month)
        attempts[key] = attempts.get(key, 0) + 1
        run_key = f"{key} attempt {attempts[key]}"
        if not claim_start(f"archive {run_key}"):
            return dg.SensorResult(
                skip_reason=dg.SkipReason(f"Another program on this database is archiving {key}."),
                cursor=json.dumps(attempts),
            )
        request = dg.RunRequest(
            run_key=run_key,
            partition_key=key,
            tags={"tickettape/archive": what, "tickettape/attempt": str(attempts[key])},
        )
        return dg.SensorResult(run_requests=[request], cursor=json.dumps(attempts))

    return archive_old_months


def build_partitions_sensor(warehouse: Warehouse) -> dg.SensorDefinition:
    """Make missing partitions: at a first start, and after nights on which the machine was off."""

    @dg.sensor(
        name="make_missing_partitions",
        job=jobs.make_partitions,
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def make_missing_partitions(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Start the job at most once an hour."""
        now = datetime.now(UTC)
        with warehouse.connection() as connection:
            missing = partitions_not_made(connection, now)
        if not missing:
            return dg.SkipReason("The partitions of the coming months and days are made.")
        return run_once(f"missing partitions {now:%Y-%m-%d %H}")

    return make_missing_partitions


@dg.sensor(minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def fail_abandoned_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Mark runs as failed if their process was killed, to free their slots and let their ticks run again."""
    closed = close_abandoned(context.instance)
    for run_id in closed:
        run = context.instance.get_run_by_id(run_id)
        follows = what_follows(run.tags) if run else ""
        tell(f"warning: run {run_id[:8]} was closed as failed: its process is gone. {follows}")
    return dg.SkipReason(
        f"Closed {', '.join(closed)}." if closed else "The processes of all unfinished runs are alive."
    )
