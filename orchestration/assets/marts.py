"""The dbt models: hours, days, latest prices and the views on them; dbt's tests are their checks."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from orchestration import broken_models, dbt_tests
from orchestration import dbt as dbt_project
from orchestration.console import ROLLUP_HOURS
from orchestration.partitions import HOURLY
from orchestration.run_plan import tick_of
from tickettape.database import Warehouse, wait_for_lock
from tickettape.rollups import (
    ROLLUPS_ALONE,
    export_dbt_environment,
    mark_hours_between,
    pending_buckets,
    refresh_rollups,
)
from tickettape.settings import Settings

HOURS_OF_EVENTS = ("event_hours", "range_hours")  # what the other rollups are made of
LONGEST_WAIT = timedelta(minutes=1)  # for another build of some seconds; claims keep two that overlap right


@dbt_assets(
    manifest=dbt_project.manifest(),
    partitions_def=HOURLY,
    backfill_policy=dg.BackfillPolicy.single_run(),
    dagster_dbt_translator=dbt_project.Translator(),
    exclude="resource_type:unit_test tag:nightly",
)
def marts(
    context: dg.AssetExecutionContext,
    dbt: DbtCliResource,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> Iterator[Any]:
    """Recompute every bucket that changed, then run the tests. One build at a time: two would do the same work twice.

    A run on hours without a tick recomputes those hours entirely, even if nothing has changed.
    """
    export_dbt_environment(settings)
    tick = tick_of(context.run.tags)
    started = time.monotonic()
    with warehouse.connection() as connection:
        if tick is None:
            window = context.partition_time_window
            marked = mark_hours_between(connection, window.start, window.end)
            context.log.info("%d hours are recomputed, from %s to %s.", marked, window.start, window.end)
        pending = pending_buckets(connection)
        # All but the last claim, each a refresh of the rollups alone; the build below makes the last, and tests.
        # Not under the lock: a backfill's refreshes may take hours, and no live tick waits for them.
        refresh_rollups(
            connection,
            lambda: dbt.cli(ROLLUPS_ALONE, raise_on_error=False).wait(),  # what fails, the build below says
            context.log.info,
            until=settings.claim_limit,
            for_at_most=dbt_project.REFRESH_AGAIN_FOR if tick is not None else None,
        )
        with wait_for_lock(connection, "build", at_most=LONGEST_WAIT) as alone:
            if not alone:
                context.log.warning("Another build has been running for %s. This one starts beside it.", LONGEST_WAIT)
            build = dbt.cli(["build"], context=context, raise_on_error=False)
            yield from dbt_tests.with_samples(build.stream(), build, warehouse)
            dbt_project.keep_parsed(build.target_path)
            broken_models.report(context, build)
        unfinished = pending_buckets(connection)
    refreshed = sum(pending.get(rollup, 0) - unfinished.get(rollup, 0) for rollup in HOURS_OF_EVENTS)
    context.log.info(
        "%d hours of events refreshed in %.1f s; marks left: %s.",
        *(refreshed, time.monotonic() - started, unfinished or "none"),
        extra={ROLLUP_HOURS: refreshed},
    )
