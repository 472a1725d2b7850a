"""What was asked lately, in the database."""

import asyncio

from tests.support.shared_limiters import greedy, shared
from tickettape.database import Connection, Warehouse


def test_blocks_that_no_rate_counts_any_more_are_forgotten(warehouse: Warehouse, connection: Connection) -> None:
    asyncio.run(greedy([shared(warehouse)], 0.5))
    connection.execute(
        "update market.request_blocks set first_at = first_at - interval '2 min', last_at = last_at - interval '2 min'"
    )
    asyncio.run(greedy([shared(warehouse)], 0.1))
    assert connection.execute(
        "select count(*) from market.request_blocks where last_at < now() - interval '61 seconds'"
    ).fetchone() == (0,)
