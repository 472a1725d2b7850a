"""What was asked lately, in the database."""

import asyncio

from tests.support.shared_limiters import greedy, shared
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces.breaker import BreakerPolicy
from tickettape.marketplaces.rate_limiter import (
    Rate,
    RateLimits,
    rate_per_second,
)

RULES = RateLimits((rate_per_second(50), Rate(400, 60.0)), BreakerPolicy(in_a_row=3, wait_seconds=60))


def test_blocks_that_no_rate_counts_any_more_are_forgotten(warehouse: Warehouse, connection: Connection) -> None:
    asyncio.run(greedy([shared(warehouse)], 0.5))
    connection.execute(
        "update market.request_blocks set first_at = first_at - interval '2 min', last_at = last_at - interval '2 min'"
    )
    asyncio.run(greedy([shared(warehouse)], 0.1))
    assert connection.execute(
        "select count(*) from market.request_blocks where last_at < now() - interval '61 seconds'"
    ).fetchone() == (0,)
