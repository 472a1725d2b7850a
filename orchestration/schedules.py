"""The schedules: ticks on the grid of their interval, and housekeeping between ticks, mostly at night."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.partitions import partition_of
from orchestration.run_plan import PLAN_TAG, SHARD_TAG, SOURCE_TAG, TICK_TAG
from orchestration.runs import tick_under_way
from orchestration.start_claims import run_once
from tickettape.observations import floor_to_grid
from tickettape.settings import Settings

MAX_RUNTIME_TAG = "dagster/max_runtime"
MOST_INTERVALS = 2
"""Dagster stops a tick's run after so many intervals. Unless it hangs, it ends within one."""


def name_of(start: str, source: str) -> str:
    """The name of a marketplace's schedule or sensor."""
    return f"{start}_{re.sub(r'[^A-Za-z0-9_]', '_', source)}"


def tick_job(settings: Settings) -> str:
    """The job that a tick starts: `tick` for all of it, `shard` for a part of its captures."""
    return "tick" if settings.scraper_shards == 1 else "shard"


def tags_of_tick(settings: Settings, tick: datetime) -> dict[str, str]:
    """The tags of a tick's run: its tick, its marketplace, and after how many seconds Dagster stops it."""
    most_seconds = 60 * MOST_INTERVALS * settings.scraper_interval_minutes
    return {TICK_TAG: tick.isoformat(), SOURCE_TAG: settings.source, MAX_RUNTIME_TAG: str(most_seconds)}


def tick_requests(settings: Settings, tick: datetime, *, run_key: str) -> list[dg.RunRequest]:
    """The runs of a marketplace's tick: one, or one per shard. Each shard's tags name the plan and its number.

    The first shard also looks for new events.
    """
    tags = tags_of_tick(settings, tick)
    shards = settings.scraper_shards
    if shards == 1:
        return [dg.RunRequest(run_key=run_key, partition_key=partition_of(tick), tags=tags)]
    return [
        dg.RunRequest(
            run_key=f"{run_key} shard {number}",
            partition_key=partition_of(tick),
            tags={**tags, PLAN_TAG: run_key, SHARD_TAG: f"{number}/{shards}"},
            asset_selection=None if number == 1 else [dg.AssetKey("captures")],
        )
        for number in range(1, shards + 1)
    ]


def build_tick_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule of a marketplace's ticks. It is on by default.

    If the tick before has not ended, a tick is skipped: it does not wait. No marketplace waits for another.
    """
    source = settings.source
    interval = timedelta(minutes=settings.scraper_interval_minutes)

    @dg.schedule(
        name=name_of("start_ticks", source),
        job_name=tick_job(settings),
        cron_schedule=f"*/{settings.scraper_interval_minutes} * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def start_ticks(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        """Start one run per tick of the marketplace, or one per shard."""
        tick = floor_to_grid(interval, context.scheduled_execution_time.astimezone(UTC))
        if tick + interval <= datetime.now(UTC):
            return dg.SkipReason(f"Tick {tick:%H:%M} is over: this program slept. The next run records it as missed.")
        under_way = tick_under_way(context.instance, source, now=tick, interval=interval)
        if under_way is not None:
            return dg.SkipReason(
                f"Skipped tick {tick:%H:%M}: run {under_way.run_id} of tick {under_way.tags[TICK_TAG]} has not ended."
            )
        return tick_requests(settings, tick, run_key=f"schedule {source} {tick.isoformat()}")

    return start_ticks


def on_time(
    name: str, job_name: str, cron_schedule: str, why_not: Callable[[datetime], str | None] = lambda _: None
) -> dg.ScheduleDefinition:
    """The schedule of a job that is not a tick. It is on by default.

    `why_not`: the time of a run -> why it does not start; None if it does.
    """

    @dg.schedule(
        name=name,
        job_name=job_name,
        cron_schedule=cron_schedule,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def start(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Start one run on time, in only one of the programs on this database."""
        at = context.scheduled_execution_time.astimezone(UTC)
        if reason := why_not(at):
            return dg.SkipReason(reason)
        return run_once(f"{name} {at.isoformat()}")

    return start


# Not at the minutes of ticks. The order matters: vacuum after the deletions, prove after the backup.
HOUSEKEEPING = [
    on_time("make_partitions_daily", "make_partitions", "3 0 * * *"),
    on_time("measure_health_hourly", "health", "7 * * * *"),
    on_time("link_events_hourly", "link_events", "27 * * * *"),
    on_time("expire_old_data_daily", "retention", "17 2 * * *"),
    on_time("pack_days_daily", "pack", "37 2 * * *"),
    on_time("vacuum_and_prune_daily", "upkeep", "47 2 * * *"),
    on_time("back_up_daily", "backup", "33 3 * * *"),
    on_time("audit_nightly", "nightly_audit", "5 4 * * *"),  # a quiet hour in the Americas
    on_time("refit_forecasts_nightly", "refit_forecasts", "33 4 * * *"),
    on_time("prove_backup_weekly", "prove_backup", "23 5 * * 0"),
]
