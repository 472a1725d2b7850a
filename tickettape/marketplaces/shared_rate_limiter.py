"""The rate limiter that all processes share: the arithmetic of `rate_limiter` on the budget kept in the database."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from tickettape.database import Connection
from tickettape.marketplaces.breaker import BreakerPolicy
from tickettape.marketplaces.breaker_store import describe_breaker, load_breaker, store_breaker
from tickettape.marketplaces.rate_limiter import (
    Grant,
    Rate,
    RateLimits,
    ReplySeen,
    RequestBlock,
    RequestBudget,
    grant_requests,
    rate_per_second,
)
from tickettape.marketplaces.request_budget import lock_budget, store_request_block, store_slowdown
from tickettape.settings import Settings


def rate_limits_of(settings: Settings) -> RateLimits:
    """The rates and the breaker that the settings name."""
    return RateLimits(
        rates=(rate_per_second(settings.requests_per_second), Rate(settings.requests_per_minute, 60.0)),
        policy=BreakerPolicy(
            in_a_row=settings.breaker_blocked_in_a_row,
            share=settings.breaker_blocked_share,
            of_last=settings.breaker_blocked_of_last,
            wait_seconds=settings.breaker_wait_seconds,
        ),
    )


class SharedRateLimiter:
    """The `RateLimiter` of every process that asks a marketplace, kept in the database.

    The database's clock counts: permits come as seconds from now, so no two machines' clocks need agree. The time that
    a grant takes to arrive is counted too: a process that was held up must not ask at times that belong to others.
    """

    def __init__(self, connect: Callable[[], Connection], source: str, limits: RateLimits) -> None:
        self._connect, self._source, self._limits = connect, source, limits
        self._connection: Connection | None = None
        self._way_back_seconds = 0.0  # of the last grant: the next is given as much ahead
        self._alone = threading.Lock()  # who asked may have given up, and its thread be at it still

    async def acquire(self, wanted: int, seen: Sequence[ReplySeen]) -> Grant:
        """See `RateLimiter.acquire`."""
        grant, at = await asyncio.to_thread(self._acquire_alone, wanted, seen)
        self._way_back_seconds = time.monotonic() - at
        return replace(grant, starts=tuple(start - self._way_back_seconds for start in grant.starts))

    async def close(self) -> None:
        """Close the connection; the next request opens another."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._alone:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _acquire_alone(self, wanted: int, seen: Sequence[ReplySeen]) -> tuple[Grant, float]:
        with self._alone:
            return self._acquire(wanted, seen)

    def _acquire(self, wanted: int, seen: Sequence[ReplySeen]) -> tuple[Grant, float]:
        source, back_seconds = self._source, self._limits.longest_seconds
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
            self._connection.autocommit = True
        connection = self._connection
        with connection.transaction():
            spent = lock_budget(connection, source, back_seconds=back_seconds)
            at = time.monotonic()
            kept = load_breaker(connection, source)
            before = RequestBudget(tuple(map(RequestBlock._make, spent.blocks)), spent.slowdown, spent.quiet_until)
            budget, breaker, grant = grant_requests(
                self._limits, before, kept, wanted, seen, spent.now, self._way_back_seconds
            )
            if (budget.slowdown, budget.quiet_until) != (spent.slowdown, spent.quiet_until):
                store_slowdown(connection, source, slowdown=budget.slowdown, quiet_until=budget.quiet_until)
            if grant.starts and self._limits.rates:
                store_request_block(connection, source, budget.blocks[-1], back_seconds=back_seconds)
            store_breaker(connection, source, breaker, before=kept)
        if grant.refusal is not None:
            grant = Grant(refusal=describe_breaker(source, breaker))
        return grant, at
