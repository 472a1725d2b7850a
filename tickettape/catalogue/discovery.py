"""The events that a tracked rule stands for, asked of its marketplace."""

from tickettape.marketplaces import Marketplace, MarketplaceEvent


async def discover_events(marketplace: Marketplace, kind: str, value: str) -> list[MarketplaceEvent]:
    """Every upcoming production of a rule: `production`, `performer`, `venue` (by id) or `search` (by words).

    Raises MarketplaceError where the marketplace does not answer, does not know a production, or knows no
    date for it.
    """
    async with marketplace:
        if kind == "production":
            return [await marketplace.production(value)]
        found = marketplace.productions(
            performer_id=value if kind == "performer" else None,
            venue_id=value if kind == "venue" else None,
            query=value if kind == "search" else None,
        )
        return [production async for production in found]
