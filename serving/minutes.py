"""What the service did, a minute a row: requests, refusals, errors, latencies; and which events were looked at.

Counted in the process, added to market.service_minutes every few seconds by each process: the pipeline's checks and
alerts look there, so they see all processes as one.
"""

import asyncio
import contextlib
import logging
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from serving.database import Database

LATENCY_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)  # seconds; the last count is beyond them
FLUSH_SECONDS = 5

log = logging.getLogger(__name__)


@dataclass
class _Minute:
    requests: int = 0
    refused: int = 0
    errors: int = 0
    seconds: float = 0.0
    latencies: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))


class Minutes:
    """The counts of one process that the database does not have yet."""

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[datetime, str], _Minute] = defaultdict(_Minute)
        self._views: Counter[UUID] = Counter()

    def count(self, route: str, status: int, seconds: float) -> None:
        """One answered request."""
        one = self._counts[datetime.now(UTC).replace(second=0, microsecond=0), route]
        one.requests += 1
        one.refused += 400 <= status < 500
        one.errors += status >= 500
        one.seconds += seconds
        one.latencies[bisect_left(LATENCY_BOUNDS, seconds)] += 1

    def count_view(self, event_id: UUID) -> None:
        """Somebody looked at an event."""
        self._views[event_id] += 1

    async def flush(self, database: Database) -> None:
        """Add the counts to the database's; on failure they are kept for the next time."""
        counts, self._counts = self._counts, defaultdict(_Minute)
        try:
            for (minute, route), one in counts.items():
                await database.run(
                    """insert into market.service_minutes as minutes
                       values (%(minute)s, %(route)s, %(requests)s, %(refused)s, %(errors)s, %(seconds)s, %(latencies)s)
                       on conflict (minute, route) do update set
                           requests = minutes.requests + excluded.requests,
                           refused = minutes.refused + excluded.refused,
                           errors = minutes.errors + excluded.errors,
                           seconds = minutes.seconds + excluded.seconds,
                           latency_counts = array(
                               select a + b from unnest(minutes.latency_counts, excluded.latency_counts)
                                   with ordinality as counts (a, b, place) order by place)""",
                    {"minute": minute, "route": route, **vars(one)},
                )
        except Exception:
            for place, one in counts.items():
                kept = self._counts[place]
                kept.requests += one.requests
                kept.refused += one.refused
                kept.errors += one.errors
                kept.seconds += one.seconds
                kept.latencies = [a + b for a, b in zip(kept.latencies, one.latencies, strict=True)]
            raise
        self._views.clear()

    async def keep_flushing(self, database: Database) -> None:
        """Flush every few seconds until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                try:
                    await self.flush(database)
                except Exception as error:  # counts must never stop the service
                    log.warning("What the service did could not be written: %s. It is tried again.", error)
        finally:
            with contextlib.suppress(Exception):
                await self.flush(database)
