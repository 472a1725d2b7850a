"""A simulated market and what its tests ask of it."""

from datetime import UTC, datetime
from typing import Any

from tickettape.marketplaces import MarketplaceEvent
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.marketplaces.simulator.market import Shelf

AT = datetime(2026, 10, 31, 23, 50, tzinfo=UTC)


def faces(shelf: Shelf) -> dict[int, tuple[int, int]]:
    rows = zip(shelf.listing_number.tolist(), shelf.quantity.tolist(), shelf.price_cents.tolist(), strict=True)
    return {number: (quantity, price) for number, quantity, price in rows}


def marketplace(**settings: Any) -> SimulatedMarketplace:
    return SimulatedMarketplace(seed=3, clock=lambda: AT, **settings)


async def all_of(market: SimulatedMarketplace, **rule: str) -> list[MarketplaceEvent]:
    return [one async for one in market.upcoming_events(**rule) if isinstance(one, MarketplaceEvent)]
