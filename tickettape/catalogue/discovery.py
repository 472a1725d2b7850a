"""Discovery: ask a marketplace which events match a tracking rule."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from tickettape.marketplaces import Catalogue, MarketplaceEvent, Refused, storable_event


@dataclass(frozen=True)
class Discovery:
    """What a marketplace lists for a rule: events that can be stored, and a Refused for each other entry."""

    events: list[MarketplaceEvent] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


async def discover_events(marketplace: Catalogue, kind: str, value: str) -> Discovery:
    """Every upcoming event of a rule: `event`, `performer`, `venue` (by id) or `search` (by words).

    Raises MarketplaceError if the marketplace does not answer, or does not know the event.
    """
    found, now = Discovery(), datetime.now(UTC)
    async with marketplace:
        if kind == "event":
            found.events.append(storable_event(await marketplace.event(value), now))
            return found
        listed = marketplace.upcoming_events(
            performer_id=value if kind == "performer" else None,
            venue_id=value if kind == "venue" else None,
            query=value if kind == "search" else None,
        )
        async for entry in listed:
            try:
                if isinstance(entry, Refused):
                    raise entry
                found.events.append(storable_event(entry, now))
            except Refused as reason:
                found.refused.append(reason)
    return found
