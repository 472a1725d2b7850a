"""What the marketplace answered for every due event, once per tick."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.assets.events import events
from orchestration.capturing import capture_tick
from orchestration.marketplaces import Marketplace
from orchestration.partitions import HOURLY
from orchestration.resources import Warehouse
from orchestration.settings import Settings
from orchestration.ticks import ClosedHourError, Mode, plan, plan_of
from orchestration.warehouse import breakers, partitions
from orchestration.warehouse import captures as store


@dg.asset(
    partitions_def=HOURLY,
    backfill_policy=dg.BackfillPolicy.single_run(),
    deps=[events],
    kinds={"postgres"},
    group_name="tick",
)
def captures(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    marketplace: dg.ResourceParam[Marketplace],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """What the marketplace answered for every due event, once per tick; failures to answer too.

    Several runs may work on a tick: each captures its part, and stays until all is captured.
    """
    window = context.partition_time_window
    started = time.monotonic()
    try:
        todo = plan(
            tags=context.run.tags,
            start=window.start,
            end=window.end,
            now=datetime.now(UTC),
            interval=timedelta(minutes=settings.scraper_interval_minutes),
            knows_the_past=marketplace.knows_the_past,
        )
    except ClosedHourError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    if todo.mode is Mode.REPLAY:
        return dg.MaterializeResult(
            metadata={
                "mode": "replay: nothing was asked, stored answers are read again",
                "events captured": 0,
            }
        )
    counts: Counter[str] = Counter()
    with warehouse.connection() as connection:
        partitions.ensure_partitions(connection, todo.ticks)
        for number, tick in enumerate(todo.ticks, 1):
            counts += capture_tick(
                connection, marketplace, tick, todo.deadline, context.run.run_id, plan_of(context.run.tags)
            )
            if len(todo.ticks) > 1:
                context.log.info("Captured tick %s (%d of %d).", tick, number, len(todo.ticks))
        breaker = breakers.of(connection, marketplace.source)
        by_status = store.counts_by_status(connection, window.start, window.end)
    due = sum(counts.values())
    if breaker.state != "closed":
        context.log.warning(breakers.sentence(marketplace.source, breaker))
    return dg.MaterializeResult(
        metadata={
            "source": marketplace.source,
            "mode": todo.mode.value,
            "ticks": len(todo.ticks),
            "newest tick": todo.ticks[-1].isoformat() if todo.ticks else "none",
            "events due": due,
            "events captured": counts["received"],
            "events missing": counts["missing"],
            "events missed": counts["missed"],
            "events blocked": counts["blocked"],
            "events failed": counts["failed"],
            "seconds": round(time.monotonic() - started, 3),
            "captures of these hours by status": by_status,
            "breaker": breakers.sentence(marketplace.source, breaker),
        }
    )
