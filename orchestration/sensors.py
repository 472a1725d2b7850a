"""What looks around by itself: the first tick after a start, runs whose process is gone."""

import json
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration import jobs
from orchestration.console import tell
from orchestration.partitions import partition_of, partition_of_month
from orchestration.run_plan import SOURCE_TAG, TICK_TAG
from orchestration.runs import (
    close_abandoned,
    has_failed,
    runs_of_tick,
    runs_under_way,
    sharded_tick_to_roll_up,
    tick_under_way,
)
from orchestration.schedules import name_of, tick_job, tick_requests
from orchestration.start_claims import claim_start
from tickettape.database import Warehouse, known_months, months_to_archive
from tickettape.observations import floor_to_grid, newest_captured_tick
from tickettape.settings import Settings

MOST_ATTEMPTS = 3  # at one tick: enough for a killed process, not a storm where something is broken


def build_first_tick_sensor(settings: Settings, warehouse: Warehouse) -> dg.SensorDefinition:
    """Start a tick of a marketplace that has no recent one. A schedule fires at its times, but not when Dagster "
    "starts."""
    source = settings.source
    interval = timedelta(minutes=settings.scraper_interval_minutes)

    @dg.sensor(
        name=name_of("start_first_tick", source),
        job_name=tick_job(settings),
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def start_first_tick(context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        """Start the newest tick if neither it nor the one before was captured."""
        tick = floor_to_grid(interval, datetime.now(UTC))
        with warehouse.connection() as connection:
            newest = newest_captured_tick(connection, source)
        if newest is not None and newest >= tick - interval:
            return dg.SkipReason(f"The newest capture is fresh: {newest:%Y-%m-%d %H:%M} UTC.")
        under_way = tick_under_way(context.instance, source, now=datetime.now(UTC), interval=interval)
        if under_way is not None:
            return dg.SkipReason(f"Run {under_way.run_id} of a tick is in progress.")
        earlier = runs_of_tick(context.instance, source, tick)
        if not all(map(has_failed, earlier)):
            return dg.SkipReason(f"Tick {tick:%H:%M} has already run.")
        attempts = len(earlier) // settings.scraper_shards
        if attempts >= MOST_ATTEMPTS:
            return dg.SkipReason(f"Tick {tick:%H:%M} failed {attempts} times. The next tick starts on schedule.")
        # a run key is spent for ever: each attempt has one of its own
        return tick_requests(settings, tick, run_key=f"first {source} {tick.isoformat()} attempt {attempts + 1}")

    return start_first_tick


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
        """Start one run for the newest captured tick. It also reads answers that older ticks left unread."""
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
            run_key=f"{source} {tick} after {count} shards",  # spent once: shards that ran again are followed again
            partition_key=partition_of(datetime.fromisoformat(tick)),
            tags={TICK_TAG: tick, SOURCE_TAG: source},
        )

    return roll_up_sharded_ticks


def build_archive_sensor(settings: Settings, warehouse: Warehouse) -> dg.SensorDefinition:
    """Start the archive of months that are old enough, and the drop of detached months kept long enough."""

    @dg.sensor(
        name="archive_old_months",
        job=jobs.archive,
        minimum_interval_seconds=3600,  # what failed is tried again an hour later
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
        # the month that was tried least: one that fails does not keep the others waiting
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


@dg.sensor(minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def fail_abandoned_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Mark runs as failed if their process was killed, to free their slots and let their ticks run again."""
    closed = close_abandoned(context.instance)
    for run_id in closed:
        tell(f"warning: run {run_id[:8]} was closed as failed: its process is gone. A tick is run again by itself.")
    return dg.SkipReason(
        f"Closed {', '.join(closed)}." if closed else "The processes of all unfinished runs are alive."
    )
