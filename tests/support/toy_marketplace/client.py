"""Ask Billetterie: two paths, one of all shows and one of a show's offers."""

from collections.abc import AsyncIterator
from datetime import datetime

from tests.support.toy_marketplace.wire import SPECTACLE, SPECTACLES, read_event, read_fields, read_inventory
from tickettape.marketplaces.http_client import PacedHttpClient, answer_of, body_of
from tickettape.marketplaces.http_marketplace import HttpMarketplace
from tickettape.marketplaces.one_by_one import decode_entries
from tickettape.marketplaces.protocol import Answer, Inventory, MarketplaceEvent, Refused
from tickettape.marketplaces.rate_limiter import RateLimiter
from tickettape.settings import Settings


class Billetterie(HttpMarketplace):
    """A `Marketplace` with prices in euros."""

    def __init__(self, settings: Settings, limiter: RateLimiter) -> None:
        http = PacedHttpClient(
            settings.marketplace_url or "",
            settings.user_agent,
            source=settings.source,
            example_url="https://billetterie.example/api",
            limiter=limiter,
        )
        super().__init__(http)

    async def listings(self, external_id: str, at: datetime) -> Answer:
        return answer_of(external_id, await self._http.ask(f"Show {external_id}", f"/spectacles/{external_id}", {}))

    async def event(self, external_id: str) -> MarketplaceEvent:
        reply = await self._http.ask(f"Show {external_id}", f"/spectacles/{external_id}", {})
        return read_event(SPECTACLE.decode(body_of(reply)))

    async def upcoming_events(
        self,
        *,
        performer_id: str | None = None,
        venue_id: str | None = None,
        category_id: str | None = None,
        query: str | None = None,
    ) -> AsyncIterator[MarketplaceEvent | Refused]:
        reply = await self._http.ask("All shows", "/spectacles", {"q": query or ""})
        shows, unreadable = decode_entries(SPECTACLE, SPECTACLES.decode(body_of(reply)))
        for raw, error in unreadable:
            yield Refused(f"A show cannot be read: {error}.", payload=raw)
        for show in shows:
            yield read_event(show)

    def read_listings(self, body: bytes, external_id: str, tolerance: float) -> Inventory:
        return read_inventory(body, external_id)

    def fields(self, body: bytes) -> set[str]:
        return read_fields(body)
