"""What the marketplace answered for every due event, once per tick."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from orchestration.assets.each_marketplace import materialize_each
from orchestration.assets.events import events
from orchestration.metadata_tables import as_table
from orchestration.partitions import HOURLY
from orchestration.run_plan import ClosedHourError, RunMode, plan_run, shared_plan_of
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.marketplaces import Marketplaces, WatchedMarketplace, current_slowdown, describe_breaker, load_breaker
from tickettape.observations import (
    capture_tick,
    count_quarantined,
    newest_jobs,
    poll_rules,
    poll_summary,
    scraper_figures,
    stale_events,
)

CLASSES = ("received", "missing", "blocked", "failed", "passing", "throttled")  # as `marketplaces.pacing` tells them
JOBS_SHOWN = 12  # two hours of ticks


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
    marketplaces: dg.ResourceParam[Marketplaces],
) -> dg.MaterializeResult[None]:
    """The marketplace's answer, or the failure to get one, for every due event of a tick.

    Several runs may share a tick. Each captures its part, and ends when the whole tick is captured.
    """
    return materialize_each(context, warehouse, marketplaces, _capture)


def _capture(connection: Connection, watched: WatchedMarketplace, context: dg.AssetExecutionContext) -> dict[str, Any]:
    """Capture a marketplace's ticks of the run; what came of it."""
    marketplace, settings, source = watched.marketplace, watched.settings, watched.source
    window = context.partition_time_window
    started = time.monotonic()
    try:
        todo = plan_run(
            tags=context.run.tags,
            start=window.start,
            end=window.end,
            now=datetime.now(UTC),
            interval=timedelta(minutes=settings.scraper_interval_minutes),
            knows_the_past=marketplace.knows_the_past,
        )
    except ClosedHourError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    if todo.mode is RunMode.REPLAY:
        return {"mode": "replay: nothing was requested, stored answers are read again", "events captured": 0}
    counts: Counter[str] = Counter()
    ensure_partitions(connection, todo.ticks)
    asked_before = marketplace.requests.copy()
    rules = poll_rules(settings, current_slowdown(connection, source), paced=marketplace.paced)
    for number, tick in enumerate(todo.ticks, 1):
        past = marketplace.knows_the_past and tick + rules.every <= datetime.now(UTC)
        counts += capture_tick(
            connection,
            marketplace,
            tick,
            todo.deadline,
            context.run.run_id,
            shared_plan_of(context.run.tags),
            None if past else rules,  # a backfill captures all there was
        )
        if len(todo.ticks) > 1:
            context.log.info("Captured tick %s of %s (%d of %d).", tick, source, number, len(todo.ticks))
    requests = marketplace.requests - asked_before
    breaker = load_breaker(connection, source)
    if breaker.state != "closed":
        context.log.warning(describe_breaker(source, breaker))
    return {
        "source": source,
        "mode": todo.mode.value,
        "ticks": len(todo.ticks),
        "newest tick": todo.ticks[-1].isoformat() if todo.ticks else "none",
        "events due": sum(counts.values()),
        "events captured": counts["received"],
        "events missing": counts["missing"],
        "events missed": counts["missed"],
        "events blocked": counts["blocked"],
        "events failed": counts["failed"],
        "seconds": round(time.monotonic() - started, 3),
        **{f"requests {kind}": requests[kind] for kind in CLASSES},
        "breaker": describe_breaker(source, breaker),
        **_health(connection, source, todo.ticks),
    }


def _health(connection: Connection, source: str, ticks: Sequence[datetime]) -> dict[str, Any]:
    """Numbers that the UI plots over time, and what explains them: one look tells how the scraper fares.

    Asked of the tables: a tick's captures are told whole, whoever made them.
    """
    found = scraper_figures(connection, source, ticks)
    now = datetime.now(UTC)
    decided, stale = poll_summary(connection, source, now), stale_events(connection, source, now)
    waiting = count_quarantined(connection, source)
    plotted = {
        "success rate": found.success_rate,
        "latency p50 (ms)": found.latency_p50,
        "latency p95 (ms)": found.latency_p95,
        "latency p99 (ms)": found.latency_p99,
    }
    return {
        **{name: round(number, 3) for name, number in plotted.items() if number is not None},
        "events watched": decided.watched,
        "events deferred": decided.deferred,
        "longest deferred (minutes)": decided.longest_deferred_minutes,
        "events stale": len(stale),
        "events by interval": decided.by_interval,
        "megabytes answered": round(found.payload_bytes / 1e6, 3),
        "captures by status": found.by_status,
        "captures by HTTP status": found.by_http_status,
        "waiting in quarantine": sum(waiting.values()),
        "quarantine": waiting,
        "newest jobs": as_table(newest_jobs(connection, source, JOBS_SHOWN)),
    }
