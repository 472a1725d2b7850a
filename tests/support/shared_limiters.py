"""Rate limiters that share a budget."""

import asyncio
import time
from collections.abc import Sequence

from tickettape.database import Warehouse
from tickettape.marketplaces.breaker import BreakerPolicy
from tickettape.marketplaces.rate_limiter import (
    Rate,
    RateLimiter,
    RateLimits,
    rate_per_second,
)
from tickettape.marketplaces.shared_rate_limiter import SharedRateLimiter

RULES = RateLimits((rate_per_second(50), Rate(400, 60.0)), BreakerPolicy(in_a_row=3, wait_seconds=60))


def shared(warehouse: Warehouse, rules: RateLimits = RULES) -> SharedRateLimiter:
    return SharedRateLimiter(warehouse.connect_to, "simulator", rules)


async def greedy(workers: Sequence[RateLimiter], seconds: float) -> list[float]:
    """Every moment that workers are given which always want more, for so many seconds."""
    ends = time.monotonic() + seconds
    moments: list[float] = []

    async def grant(limiter: RateLimiter) -> None:
        while time.monotonic() < ends:
            grant = await limiter.acquire(20, [])
            moments.extend(time.monotonic() + start for start in grant.starts)
            await asyncio.sleep(grant.wait_seconds)

    await asyncio.gather(*map(grant, workers))
    for limiter in workers:
        await limiter.close()
    return moments
