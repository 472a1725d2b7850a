"""The events that a tracked rule stands for, asked of its marketplace."""

from tickettape.marketplaces import Marketplace, MarketplaceEvent


async def discover_events(marketplace: Marketplace, kind: str, value: str) -> list[MarketplaceEvent]:
    """Every upcoming event of a rule: `event`, `performer`, `venue` (by id) or `search` (by words).

    Raises MarketplaceError where the marketplace does not answer, does not know an event, or knows no
    date for it.
    """
    async with marketplace:
        if kind == "event":
            return [await marketplace.event(value)]
        found = marketplace.upcoming_events(
            performer_id=value if kind == "performer" else None,
            venue_id=value if kind == "venue" else None,
            query=value if kind == "search" else None,
        )
        return [event async for event in found]
