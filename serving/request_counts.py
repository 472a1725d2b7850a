"""Counts of this process that are not stored yet: requests, refusals, errors, latencies, slow statements, views."""

import asyncio
import contextlib
import logging
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

from serving.database import Database
from tickettape.api_schema import ADD_SERVICE_MINUTES, ADD_SLOW_STATEMENT, DATABASE_ROUTE, LATENCY_BOUNDS
from tickettape.catalogue import ADD_EVENT_VIEWS

FLUSH_SECONDS = 5
# what is kept while the database cannot be reached: some megabytes
MOST_MINUTES_KEPT = 10_000
MOST_EVENTS_KEPT = 10_000

log = logging.getLogger(__name__)


@dataclass
class _Minute:
    requests: int = 0
    refused: int = 0
    errors: int = 0
    slow_statements: int = 0
    seconds: float = 0.0
    latency_counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))


@dataclass
class _Slow:
    calls: int = 0
    seconds: float = 0.0
    longest_seconds: float = 0.0

    def add(self, more: "_Slow") -> None:
        self.calls += more.calls
        self.seconds += more.seconds
        self.longest_seconds = max(self.longest_seconds, more.longest_seconds)


class RequestCounts:
    """The counts of one process that are not in the database yet."""

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[datetime, str], _Minute] = defaultdict(_Minute)
        self._slow: defaultdict[tuple[date, str], _Slow] = defaultdict(_Slow)
        self._views: Counter[UUID] = Counter()

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        one = self._of_now(route)
        one.requests += 1
        one.refused += 400 <= status < 500
        one.errors += status >= 500
        one.seconds += seconds
        one.latency_counts[bisect_left(LATENCY_BOUNDS, seconds)] += 1

    def count_slow(self, statement: str, seconds: float) -> None:
        """Count one query that took longer than SLOW_SECONDS."""
        self._of_now(DATABASE_ROUTE).slow_statements += 1
        self._slow[datetime.now(UTC).date(), statement].add(_Slow(1, seconds, seconds))

    def count_view(self, event_id: UUID) -> None:
        """Count one view of an event."""
        self._views[event_id] += 1

    def _of_now(self, route: str) -> _Minute:
        return self._counts[datetime.now(UTC).replace(second=0, microsecond=0), route]

    async def flush(self, database: Database) -> None:
        """Store the counts. Those that cannot be stored are kept for the next time."""
        for place in list(self._counts):
            one = self._counts.pop(place)
            try:
                minute, route = place
                await database.run(ADD_SERVICE_MINUTES, {"minute": minute, "route": route, **asdict(one)})
            except BaseException:  # also a cancellation: the last flush, when the service stops, follows it
                self._keep(place, one)
                raise
        await self._flush_slow(database)
        await self._flush_views(database)

    async def _flush_slow(self, database: Database) -> None:
        for place in list(self._slow):  # as many as the code has statements
            one = self._slow.pop(place)
            try:
                day, statement = place
                await database.run(ADD_SLOW_STATEMENT, {"day": day, "statement": statement, **asdict(one)})
            except BaseException:
                self._slow[place].add(one)
                raise

    async def _flush_views(self, database: Database) -> None:
        seen, self._views = self._views, Counter()
        if seen:
            counts = {"ids": list(seen), "counts": list(seen.values()), "at": datetime.now(UTC)}
            try:
                await database.run(ADD_EVENT_VIEWS, counts)
            except BaseException:
                self._views.update(seen)
                self._views = Counter(dict(self._views.most_common(MOST_EVENTS_KEPT)))
                raise

    def _keep(self, place: tuple[datetime, str], one: _Minute) -> None:
        if len(self._counts) >= MOST_MINUTES_KEPT:
            del self._counts[min(self._counts)]  # the oldest
        kept = self._counts[place]
        kept.requests += one.requests
        kept.refused += one.refused
        kept.errors += one.errors
        kept.slow_statements += one.slow_statements
        kept.seconds += one.seconds
        kept.latency_counts = [a + b for a, b in zip(kept.latency_counts, one.latency_counts, strict=True)]

    async def keep_flushing(self, database: Database) -> None:
        """Flush every few seconds until cancelled, then once more."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                try:
                    await self.flush(database)
                except Exception as error:  # counts must never stop the service
                    log.warning("The request counts could not be stored: %s. The next flush tries again.", error)
        finally:
            with contextlib.suppress(Exception):
                await self.flush(database)
