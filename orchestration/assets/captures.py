"""What the marketplace answered for every due event, once per tick."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from orchestration.assets.events import events
from orchestration.metadata_tables import as_table
from orchestration.partitions import HOURLY
from orchestration.run_plan import (
    ClosedHourError,
    Mode,
    plan,
    plan_of,
)
from tickettape.database import Connection, partitions
from tickettape.marketplaces import Marketplace
from tickettape.marketplaces import breaker_store as breakers
from tickettape.marketplaces import request_budget as budgets
from tickettape.observations import poll_schedule as looks
from tickettape.observations import poll_schedule_store as looked
from tickettape.observations import quarantine
from tickettape.observations import scraper_figures as scraping
from tickettape.observations import scraper_jobs as jobs
from tickettape.observations.capture_tick import capture_tick
from tickettape.resources import Warehouse
from tickettape.settings import Settings

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
        asked_before = marketplace.requests.copy()
        rules = looks.rules_of(settings, budgets.slowdown(connection, marketplace.source))
        for number, tick in enumerate(todo.ticks, 1):
            past = marketplace.knows_the_past and tick + rules.every <= datetime.now(UTC)
            counts += capture_tick(
                connection,
                marketplace,
                tick,
                todo.deadline,
                context.run.run_id,
                plan_of(context.run.tags),
                None if past else rules,  # a backfill captures all there was
            )
            if len(todo.ticks) > 1:
                context.log.info("Captured tick %s (%d of %d).", tick, number, len(todo.ticks))
        due = sum(counts.values())
        requests = marketplace.requests - asked_before
        health = _health(connection, marketplace.source, todo.ticks)
        breaker = breakers.of(connection, marketplace.source)
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
            **{f"requests {kind}": requests[kind] for kind in CLASSES},
            "breaker": breakers.sentence(marketplace.source, breaker),
            **health,
        }
    )


def _health(connection: Connection, source: str, ticks: Sequence[datetime]) -> dict[str, Any]:
    """Numbers that the UI plots over time, and what explains them: one look tells how the scraper fares.

    Asked of the tables: a tick's captures are told whole, whoever made them.
    """
    found = scraping.figures(connection, source, ticks)
    now = datetime.now(UTC)
    decided, stale = looked.summary(connection, source, now), looked.stale(connection, source, now)
    waiting = quarantine.waiting(connection, source)
    plotted = {
        "success rate": found.success_rate,
        "latency p50 (ms)": found.latency_p50,
        "latency p95 (ms)": found.latency_p95,
        "latency p99 (ms)": found.latency_p99,
    }
    return {
        **{name: round(number, 3) for name, number in plotted.items() if number is not None},
        "events watched": decided.watched,
        "events put off": decided.put_off,
        "longest put off (minutes)": decided.longest_put_off_minutes,
        "events stale": len(stale),
        "events by interval": decided.by_interval,
        "megabytes answered": round(found.payload_bytes / 1e6, 3),
        "captures by status": found.by_status,
        "captures by HTTP status": found.by_http_status,
        "waiting in quarantine": sum(waiting.values()),
        "quarantine": waiting,
        "newest jobs": as_table(jobs.newest(connection, source, JOBS_SHOWN)),
    }
