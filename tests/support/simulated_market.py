"""A simulated market and what its tests ask of it."""

from datetime import UTC, datetime
from typing import Any

from tickettape.marketplaces import MarketplaceEvent
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.marketplaces.simulator.market import Shelf

AT = datetime(2026, 10, 31, 23, 50, tzinfo=UTC)


class BreakingMarket(SimulatedMarketplace):
    """A market that counts the answers that are read, and whose reader breaks at one of them if it is told which."""

    read = 0
    breaks_at: int | None = None

    def read_listings(self, body: bytes, external_id: str, tolerance: float) -> Any:
        self.read += 1
        if self.read == self.breaks_at:
            raise RuntimeError("the reader broke")
        return super().read_listings(body, external_id, tolerance)


def faces(shelf: Shelf) -> dict[int, tuple[int, int]]:
    rows = zip(shelf.listing_number.tolist(), shelf.quantity.tolist(), shelf.price_cents.tolist(), strict=True)
    return {number: (quantity, price) for number, quantity, price in rows}


def marketplace(**settings: Any) -> SimulatedMarketplace:
    return SimulatedMarketplace(seed=3, clock=lambda: AT, **settings)


async def all_of(market: SimulatedMarketplace, **rule: str) -> list[MarketplaceEvent]:
    return [one async for one in market.upcoming_events(**rule) if isinstance(one, MarketplaceEvent)]
