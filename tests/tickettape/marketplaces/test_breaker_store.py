"""The breaker of a marketplace, shared by all who ask it."""

import asyncio

from tests.support.shared_limiters import RULES, shared
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces import describe_breaker, load_breaker
from tickettape.marketplaces.rate_limiter import (
    ReplySeen,
)
from tickettape.marketplaces.shared_rate_limiter import SharedRateLimiter


def test_what_one_is_told_all_others_keep(warehouse: Warehouse, connection: Connection) -> None:
    async def scenario() -> None:
        one, other = shared(warehouse), shared(warehouse)
        assert (await one.acquire(1, [])).starts
        await one.acquire(0, [ReplySeen("throttled", quiet_seconds=30)])
        grant = await other.acquire(1, [])
        assert grant.starts == ()
        assert 29 < grant.quiet_seconds <= 30
        await one.acquire(0, [ReplySeen("blocked")] * 3)
        connection.execute("update market.budgets set quiet_until = null")
        grant = await other.acquire(1, [])
        row = load_breaker(connection, "simulator")
        assert grant.refusal == describe_breaker("simulator", row)
        assert "3 answers in a row were blocked" in grant.refusal
        assert "is open until" in grant.refusal
        assert (await SharedRateLimiter(warehouse.connect_to, "elsewhere", RULES).acquire(1, [])).starts
        await one.close()
        await other.close()

    asyncio.run(scenario())
    assert connection.execute("select slowdown > 1 from market.budgets where source = 'simulator'").fetchone() == (
        True,
    )
