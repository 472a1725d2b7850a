"""What is stored of price ranges."""

from datetime import datetime
from typing import Any

from tests.support.markets import NOON
from tickettape.database import Connection
from tickettape.observations import (
    PriceRange,
)


def of(event: int, tick: datetime = NOON, **more: Any) -> PriceRange:
    figures: dict[str, Any] = {"lowest_price_cents": 1000, "highest_price_cents": 9000, "listings": 12}
    known: dict[str, Any] = {"tick": tick, "event_key": event, "market": "resale", "price_basis": "all_in",
                             "currency": "USD"}  # fmt: skip
    return PriceRange(**(known | figures | more))


def stored(connection: Connection) -> list[Any]:
    return connection.execute(
        """select event_key, tick, lowest_price_cents, average_price_cents, highest_price_cents, listings, tickets
           from market.price_ranges order by 1, 2"""
    ).fetchall()


def marked(connection: Connection) -> list[tuple[str, int]]:
    rows = connection.execute(
        """select distinct rollup, extract(hour from bucket at time zone 'UTC')::int
           from market.dirty_buckets order by 1, 2"""
    ).fetchall()
    return [(rollup, hour) for rollup, hour in rows]
