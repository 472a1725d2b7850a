"""The dbt models: rollups by hour and day, latest prices, and the views on them. dbt's tests are their checks."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from orchestration import broken_models, dbt_tests
from orchestration import dbt as dbt_project
from orchestration.background import CLAIM_LIMIT, in_background, progress_of
from orchestration.console import ROLLUP_HOURS
from orchestration.partitions import HOURLY
from orchestration.run_plan import tick_of
from tickettape.database import Connection, Warehouse, live_work, wait_for_lock, yield_to_live_work
from tickettape.rollups import (
    ROLLUPS_ALONE,
    export_dbt_environment,
    mark_hours_between,
    pending_buckets,
    refresh_rollups,
)
from tickettape.settings import Settings

HOURS_OF_EVENTS = ("event_hours", "range_hours")  # the rollups whose buckets the log counts as hours of events
LONGEST_WAIT = timedelta(minutes=1)  # for another build, which takes seconds; claims make overlapping builds safe
NOT_TESTED_HOURLY = "resource_type:unit_test tag:nightly"  # tests of the SQL itself, and of all rows
NOT_OF_A_TICK = f"{NOT_TESTED_HOURLY} tag:box_office"  # sales have a job of their own
MARKED_BACK = timedelta(hours=25)
"""How far back a tick's answers can mark hours: for a day, a listing that left can still get another verdict."""


@dbt_assets(
    manifest=dbt_project.manifest(),
    partitions_def=HOURLY,
    backfill_policy=dg.BackfillPolicy.single_run(),
    dagster_dbt_translator=dbt_project.Translator(),
    exclude=NOT_OF_A_TICK,
)
def marts(
    context: dg.AssetExecutionContext,
    dbt: DbtCliResource,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> Iterator[Any]:
    """Recompute every bucket that changed, then test. Builds of live ticks run one at a time: two would repeat work.

    A live tick recomputes what its own answers changed. A backfill recomputes all of its hours, changed or not, and
    everything else that is marked. Live ticks go first, and never wait for its build.
    """
    tick = tick_of(context.run.tags)
    started = time.monotonic()
    since = tick - MARKED_BACK if tick else None
    limit = settings.claim_limit if tick else min(CLAIM_LIMIT, settings.claim_limit)
    export_dbt_environment(settings, claim_from=since, claim_limit=limit)
    with warehouse.connection() as connection, live_work(connection) if tick else in_background(connection):
        pending = _refresh(context, connection, dbt, limit, since)
        with wait_for_lock(connection, "build" if tick else "build in background", at_most=LONGEST_WAIT) as alone:
            if not alone:
                context.log.warning("Another build has been running for %s. This one starts beside it.", LONGEST_WAIT)
            # for a part of the models, as chosen in the UI, Dagster names the models and forgets what is excluded
            build = dbt.cli(
                ["build", "--exclude", NOT_OF_A_TICK, dbt_project.NO_FILES], context=context, raise_on_error=False
            )
            failures: dict[str, str] = {}
            yield from dbt_tests.with_samples(broken_models.events(build, failures), build, warehouse)
            broken_models.report(context, build, failures)
        unfinished = pending_buckets(connection, since)
    refreshed = sum(pending.get(rollup, 0) - unfinished.get(rollup, 0) for rollup in HOURS_OF_EVENTS)
    context.log.info(
        "%d hours of events refreshed in %.1f s; marks left: %s.",
        *(refreshed, time.monotonic() - started, unfinished or "none"),
        extra={ROLLUP_HOURS: refreshed},
    )


def _refresh(
    context: dg.AssetExecutionContext,
    connection: Connection,
    dbt: DbtCliResource,
    limit: int,
    since: datetime | None,
) -> dict[str, int]:
    """Refresh the rollups until one claim is left, which the build makes. Returns the marked buckets by rollup.

    A live tick refreshes only recent marks. Older marks are left to the backlog.
    """
    if since is None:
        window = context.partition_time_window
        marked = mark_hours_between(connection, window.start, window.end)
        progress_of(context)(
            f"{marked:,} hours of events are recomputed, {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M}."
        )
    pending = pending_buckets(connection, since)

    def refresh_once() -> None:
        if since is None:
            yield_to_live_work(connection)
        dbt.cli([*ROLLUPS_ALONE, dbt_project.NO_FILES], raise_on_error=False).wait()  # the build reports what fails

    refresh_rollups(
        connection,
        refresh_once,
        progress_of(context),
        until=limit,
        for_at_most=dbt_project.REFRESH_AGAIN_FOR if since is not None else None,
        since=since,
    )
    if since is None:
        yield_to_live_work(connection)
    return pending
