"""What the marketplace answered for every due event, once per tick."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import dagster as dg

from orchestration.assets.events import events
from orchestration.assets.tables import as_table
from orchestration.marketplaces import Marketplace
from orchestration.partitions import HOURLY
from orchestration.resources import Warehouse
from orchestration.settings import Settings
from orchestration.ticks import ClosedHourError, Mode, plan
from orchestration.warehouse import Connection, catalogue, jobs, locks, partitions, quarantine, scraping
from orchestration.warehouse import captures as store
from orchestration.warehouse.captures import Capture
from orchestration.warehouse.catalogue import Event

LONGEST_WAIT_SECONDS = 120  # a marketplace bounds each answer by a deadline of its own; this is the net below it
JOBS_SHOWN = 12  # two hours of ticks
BATCH = 20  # captures in a transaction: a killed run loses at most these, and asks them again


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
    """What the marketplace answered for every due event, once per tick; failures to answer too."""
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
    skipped: list[str] = []
    with warehouse.connection() as connection:
        partitions.ensure_partitions(connection, todo.ticks)
        for number, tick in enumerate(todo.ticks, 1):
            with locks.try_lock(connection, f"captures {marketplace.source} {tick.isoformat()}") as alone:
                if not alone:
                    skipped.append(tick.isoformat())
                    context.log.info("Tick %s is being captured by another run: skipped.", tick)
                    continue
                counts += capture_tick(connection, marketplace, tick, todo.deadline, context.run.run_id)
            if len(todo.ticks) > 1:
                context.log.info("Captured tick %s (%d of %d).", tick, number, len(todo.ticks))
        due = sum(counts.values())
        health = _health(connection, marketplace.source, todo.ticks)
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
            **health,
            "skipped, captured by another run": skipped,
        }
    )


def _health(connection: Connection, source: str, ticks: Sequence[datetime]) -> dict[str, Any]:
    """Numbers that the UI plots over time, and what explains them: one look tells how the scraper fares.

    Asked of the tables: a tick's captures are told whole, whoever made them.
    """
    found = scraping.figures(connection, source, ticks)
    plotted = {
        "success rate": found.success_rate,
        "latency p50 (ms)": found.latency_p50,
        "latency p95 (ms)": found.latency_p95,
        "latency p99 (ms)": found.latency_p99,
    }
    return {
        **{name: round(number, 3) for name, number in plotted.items() if number is not None},
        "megabytes answered": round(found.payload_bytes / 1e6, 3),
        "captures by status": found.by_status,
        "captures by HTTP status": found.by_http_status,
        "in quarantine": quarantine.waiting(connection, source),
        "newest jobs": as_table(jobs.newest(connection, source, JOBS_SHOWN)),
    }


def capture_tick(
    connection: Connection, marketplace: Marketplace, tick: datetime, deadline: datetime | None, run_id: str
) -> Counter[str]:
    """Capture what is due at a tick and not captured yet; how many captures have each status.

    What is not answered by the deadline is missed.
    """
    asked_already = store.captured(connection, tick)
    watched = catalogue.watched_at(connection, marketplace.source, tick)
    due = [event for event in watched if event.event_key not in asked_already]
    counts: Counter[str] = Counter()
    if due:
        job_id = jobs.start(connection, source=marketplace.source, tick=tick, run_id=run_id)
        try:
            asyncio.run(_capture_all(connection, marketplace, tick, due, deadline, job_id, counts))
        finally:
            errors = {status: count for status, count in counts.items() if status != "received"}
            jobs.finish(connection, job_id, succeeded=counts.total() == len(due), errors=errors)
    return counts


async def _capture_all(
    connection: Connection,
    marketplace: Marketplace,
    tick: datetime,
    due: Sequence[Event],
    deadline: datetime | None,
    job_id: UUID,
    counts: Counter[str],
) -> None:
    batch: list[Capture] = []
    async for capture in _answers(marketplace, tick, due, deadline):
        batch.append(capture)
        if len(batch) == BATCH:
            await asyncio.to_thread(_keep, connection, batch, job_id)  # requests go on while it is stored
            counts.update(capture.status for capture in batch)
            batch = []
    _keep(connection, batch, job_id)
    counts.update(capture.status for capture in batch)


def _keep(connection: Connection, batch: Sequence[Capture], job_id: UUID) -> None:
    errors = [capture for capture in batch if capture.status != "received"]
    with connection.transaction():
        held = store.store(connection, batch, job_id)
        if held:
            message = f"{held} captures went to quarantine: their month takes no rows (`tickettape months`)"
            jobs.log(connection, job_id, level="WARNING", event_key=None, message=message)
        jobs.add_progress(connection, job_id, scraped=len(batch) - len(errors), errors=len(errors))
        for capture in errors:
            level = "WARNING" if capture.status == "missing" else "ERROR"
            jobs.log(
                connection,
                job_id,
                level=level,
                event_key=capture.event_key,
                message=capture.note or capture.status,
            )


async def _answers(
    marketplace: Marketplace, tick: datetime, due: Sequence[Event], deadline: datetime | None
) -> AsyncIterator[Capture]:
    """A capture of every due event, as they come; those without an answer by the deadline are missed."""
    waiting = {event.event_key: event for event in due}
    answered: asyncio.Queue[Capture] = asyncio.Queue()

    async def ask(event: Event) -> None:
        answered.put_nowait(await _capture(marketplace, event, tick))

    async with marketplace:
        asking = [asyncio.create_task(ask(event)) for event in due] if _seconds_to(deadline) > 0 else []
        try:
            while waiting and _seconds_to(deadline) > 0:
                capture = await asyncio.wait_for(answered.get(), min(_seconds_to(deadline), LONGEST_WAIT_SECONDS))
                del waiting[capture.event_key]
                yield capture
        except TimeoutError:
            pass  # the deadline: what is still waiting is missed
        finally:
            for task in asking:
                task.cancel()
    for event in waiting.values():
        yield Capture(event.event_key, tick, "missed", note=f"{event.name} was due at {tick} and not answered in time")


async def _capture(marketplace: Marketplace, event: Event, tick: datetime) -> Capture:
    try:
        answer = await marketplace.listings(event.external_id, tick)
    except Exception as error:  # one event's surprise must not cost the others their tick
        return Capture(event.event_key, tick, "failed", note=f"{type(error).__name__} asking for {event.name}: {error}")
    return Capture(
        event.event_key,
        tick,
        answer.status,
        http_status=answer.http_status,
        fetched_at=answer.fetched_at,
        latency_ms=answer.latency_ms,
        note=answer.note,
        answer=answer.body,
    )


def _seconds_to(deadline: datetime | None) -> float:
    return math.inf if deadline is None else (deadline - datetime.now(UTC)).total_seconds()
