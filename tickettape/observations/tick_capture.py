"""Capture the due events of a tick: they are planned once, then leased by one worker or by many.

What is due is decided in one place, `plan_tick`. A worker leases events, polls them, and stores the captures in the
transaction that marks them as done. It stays until the tick is done, so that it can take the events of a killed worker.
"""

import asyncio
import math
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from tickettape.catalogue import Event
from tickettape.database import Connection
from tickettape.marketplaces import Marketplace
from tickettape.observations.captures import Capture, captured_event_keys, store_captures
from tickettape.observations.event_leases import (
    finish_leases,
    leases_left,
    plan_leases,
    release_leases,
    renew_leases,
    take_leases,
)
from tickettape.observations.poll_schedule import PollRules, plan_every_event, plan_polls
from tickettape.observations.scraper_jobs import (
    add_job_progress,
    close_killed_jobs,
    finish_job,
    log_about_job,
    start_job,
)

LONGEST_WAIT_SECONDS = 120  # without any answer: a safety net below each event's own deadline
BATCH = 20  # captures in a transaction: a killed worker loses at most these, and they are asked again
IN_HAND = 40  # twice the connections, so that the next ones are ready while a batch is stored
LEASE_LENGTH = timedelta(seconds=20)  # renewed long before; the leases of a machine that hangs are free after it
RENEW_SECONDS = 5.0
CHECK_SECONDS = 0.5  # how often to check for events that others have leased

T = TypeVar("T")


def capture_tick(
    connection: Connection,
    marketplace: Marketplace,
    tick: datetime,
    deadline: datetime | None,
    run_id: str,
    plan: str | None = None,
    rules: PollRules | None = None,
) -> Counter[str]:
    """Capture what is due at a tick and not captured yet; returns how many captures of this worker have each status.

    An event without an answer by the deadline is missed. The workers of one `plan` (by default: one run) do not repeat
    each other's failures; another plan polls these events again. Without `rules` every watched event is due.
    """
    plan_tick(connection, marketplace.source, tick, plan or run_id, rules)
    return work_on_tick(connection, marketplace, tick, deadline, run_id)


def plan_tick(connection: Connection, source: str, tick: datetime, plan: str, rules: PollRules | None = None) -> int:
    """Decide which events are due at a tick, for all its workers; returns how many are new."""
    asked_already = captured_event_keys(connection, tick)
    wanted = plan_polls(connection, source, tick, rules) if rules else plan_every_event(connection, source, tick)
    due = [event_key for event_key in wanted if event_key not in asked_already]
    with connection.transaction():
        return plan_leases(connection, tick, plan, due)


def work_on_tick(
    connection: Connection, marketplace: Marketplace, tick: datetime, deadline: datetime | None, run_id: str
) -> Counter[str]:
    """Take due events until the tick is done; returns how many captures of this worker have each status."""
    counts: Counter[str] = Counter()
    _close_killed(connection, marketplace.source, None)
    if not leases_left(connection, marketplace.source, tick):
        return counts
    job_id = start_job(connection, source=marketplace.source, tick=tick, run_id=run_id)
    errors: Counter[str] = Counter()
    succeeded = False
    try:
        asyncio.run(_Worker(connection, marketplace, tick, deadline, job_id, counts, errors).work())
        succeeded = True
    except Exception as error:
        if not connection.closed:
            errors[type(error).__name__] += 1
            trace = traceback.format_exc()
            log_about_job(connection, job_id, level="ERROR", event_key=None, message=str(error), stack_trace=trace)
        raise
    finally:
        if not connection.closed:
            release_leases(connection, [job_id])
            finish_job(connection, job_id, succeeded=succeeded, errors=errors)
    return counts


class _Worker:
    """One job's work on a tick, in one event loop. The database is used by one step at a time."""

    def __init__(
        self,
        connection: Connection,
        marketplace: Marketplace,
        tick: datetime,
        deadline: datetime | None,
        job_id: UUID,
        counts: Counter[str],
        errors: Counter[str],
    ) -> None:
        self._connection, self._marketplace, self._tick = connection, marketplace, tick
        self._deadline, self._job_id, self._counts, self._errors = deadline, job_id, counts, errors
        self._under_way: dict[asyncio.Task[Capture], Event] = {}
        self._answered: list[Capture] = []
        self._check_at = self._renew_at = 0.0
        self._answered_at = time.monotonic()

    async def work(self) -> None:
        try:
            async with self._marketplace:
                while await self._has_work():
                    await self._collect()
                    if len(self._answered) >= BATCH or not self._under_way:
                        await self._keep()
        finally:
            for task in self._under_way:
                task.cancel()

    async def _has_work(self) -> bool:
        """Lease as many events as there is room for; wait for those that others hold. False: the tick is done."""
        while True:
            now = time.monotonic()
            room = IN_HAND - len(self._under_way)
            if room >= BATCH and now >= self._check_at:
                events = await self._database(self._take, room)
                self._check_at = now + CHECK_SECONDS if len(events) < room else now
                self._begin(events)
            if now >= self._renew_at:
                await self._database(renew_leases, self._connection, self._job_id, self._tick, LEASE_LENGTH)
                self._renew_at = now + RENEW_SECONDS
            if self._under_way or self._answered:
                return True
            if not await self._database(self._left):
                return False
            await asyncio.sleep(CHECK_SECONDS)

    def _begin(self, events: Sequence[Event]) -> None:
        if _seconds_to(self._deadline) <= 0:
            self._answered.extend(map(self._missed, events))
            return
        for event in events:
            self._under_way[asyncio.create_task(self._capture(event))] = event

    async def _collect(self) -> None:
        """Wait a moment for answers; past the deadline, what is under way is missed."""
        if self._under_way:
            seconds = max(0.0, min(CHECK_SECONDS, _seconds_to(self._deadline)))
            done, _ = await asyncio.wait(self._under_way, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                del self._under_way[task]
                self._answered.append(task.result())
                self._answered_at = time.monotonic()
        late = time.monotonic() - self._answered_at > LONGEST_WAIT_SECONDS
        if late or _seconds_to(self._deadline) <= 0:
            for task, event in self._under_way.items():
                task.cancel()
                self._answered.append(self._missed(event))
            self._under_way = {}

    async def _keep(self) -> None:
        kept = await self._database(store_batch, self._connection, self._tick, self._answered, self._job_id)
        self._counts.update(capture.status for capture in kept)
        self._errors.update(capture.kind or capture.status for capture in kept if capture.status != "received")
        self._answered = []

    async def _database(self, step: Callable[..., T], *arguments: object) -> T:
        return await asyncio.to_thread(step, *arguments)  # requests go on meanwhile

    def _take(self, most: int) -> list[Event]:
        source = self._marketplace.source
        return take_leases(self._connection, source, self._tick, self._job_id, most=most, length=LEASE_LENGTH)

    def _left(self) -> int:
        _close_killed(self._connection, self._marketplace.source, self._job_id)
        return leases_left(self._connection, self._marketplace.source, self._tick)

    def _missed(self, event: Event) -> Capture:
        note = f"{event.name} was due at {self._tick} and was not answered in time"
        return Capture(event.event_key, self._tick, "missed", note=note)

    async def _capture(self, event: Event) -> Capture:
        try:
            answer = await self._marketplace.listings(event.external_id, self._tick)
        except Exception as error:  # an unexpected error at one event must not affect the others
            note = f"{type(error).__name__} while requesting {event.name}: {error}"
            kind, trace = type(error).__name__, traceback.format_exc()
            return Capture(event.event_key, self._tick, "failed", note=note, kind=kind, stack_trace=trace)
        return Capture(
            event.event_key,
            self._tick,
            answer.status,
            http_status=answer.http_status,
            fetched_at=answer.fetched_at if answer.status != "missed" else None,
            latency_ms=answer.latency_ms if answer.status != "missed" else None,
            note=answer.note,
            answer=answer.body,
            kind=answer.kind,
        )


def store_batch(connection: Connection, tick: datetime, batch: Sequence[Capture], job_id: UUID) -> list[Capture]:
    """Store the captures that are still this job's and mark them as done, in one transaction; returns them."""
    with connection.transaction():
        mine = finish_leases(connection, job_id, tick, [capture.event_key for capture in batch])
        kept = [capture for capture in batch if capture.event_key in mine]
        errors = [capture for capture in kept if capture.status != "received"]
        held = store_captures(connection, kept, job_id)
        if held:
            message = f"{held} captures went to quarantine, because their month takes no rows (see `tickettape months`)"
            log_about_job(connection, job_id, level="WARNING", event_key=None, message=message)
        add_job_progress(connection, job_id, scraped=len(kept) - len(errors), errors=len(errors))
        for capture in errors:
            log_about_job(
                connection,
                job_id,
                level="WARNING" if capture.status == "missing" else "ERROR",
                event_key=capture.event_key,
                message=capture.note or capture.status,
                stack_trace=capture.stack_trace,
                metadata={
                    "class": capture.kind or capture.status,
                    "http_status": capture.http_status,
                    "latency_ms": capture.latency_ms,
                },
            )
    return kept


def _close_killed(connection: Connection, source: str, own: UUID | None) -> None:
    """Close the jobs of workers that were killed, and free their leases."""
    release_leases(connection, close_killed_jobs(connection, source, but=own))


def _seconds_to(deadline: datetime | None) -> float:
    return math.inf if deadline is None else (deadline - datetime.now(UTC)).total_seconds()
