"""The client for Gametime: the paths and parameters of its requests.

`http_client` sends the requests; `read_listings` and `read_catalogue` read the answers. Only `/v1` is asked: it answers
with all listings of an event at once, where `/v3` answers with those of one lot size.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from tickettape.marketplaces.gametime.read_catalogue import event_of, is_parking, read_entries_of, read_event, read_page
from tickettape.marketplaces.gametime.read_listings import read_listings
from tickettape.marketplaces.http_client import PacedHttpClient, answer_of, body_of
from tickettape.marketplaces.http_marketplace import HttpMarketplace
from tickettape.marketplaces.protocol import Answer, Inventory, MarketplaceEvent, Refused
from tickettape.marketplaces.reading import field_names, new_events
from tickettape.marketplaces.two_replies import join_replies

EXAMPLE_URL = "https://mobile.gametime.co"
PAGE_SIZE = 100
MOST_PAGES = 100  # 10,000 events of one rule

NOT_KNOWN = {
    "permission": "whether its terms allow this use: none for visitors were found",
    "version": "whether /v1/listings has the shape that public code reads: no answer of it was recorded",
    "completeness": "whether it answers with all listings: it states no totals",
    "currency": "which currency its prices are in: it states none",
}
"""What is not known about this marketplace. It is off until an operator accepts each point by its name."""


class Gametime(HttpMarketplace):
    """A `Marketplace` on Gametime's website API; used as `async with Gametime(...) as marketplace`.

    Each poll sends two requests, for the event and for its listings. `options` are those of `PacedHttpClient`.
    """

    requests_per_poll = 2
    zones_need_two_answers = True

    def __init__(self, base_url: str, user_agent: str, *, source: str, **options: Any) -> None:
        super().__init__(PacedHttpClient(base_url, user_agent, source=source, example_url=EXAMPLE_URL, **options))

    async def listings(self, external_id: str, at: datetime) -> Answer:
        """Ask for an event, then for all its listings; see `Marketplace.listings`.

        Never sends `quantity`: it asks for a subset.
        """
        headers = self._time(at)
        event = await self._http.ask(f"Event {external_id}", "/v1/events", {"id": external_id}, headers)
        if event.body is None:
            return answer_of(external_id, event)
        what = f"The listings of event {external_id}"
        reply = await self._http.ask(what, "/v1/listings", {"event_id": external_id}, headers)
        if reply.body is None:
            return answer_of(external_id, reply)
        return answer_of(external_id, replace(reply, body=join_replies({"event": event.body, "listings": reply.body})))

    async def event(self, external_id: str) -> MarketplaceEvent:
        """Ask for one event; see `Marketplace.event`."""
        reply = await self._http.ask(f"Event {external_id}", "/v1/events", {"id": external_id})
        return read_event(body_of(reply), external_id)

    async def upcoming_events(
        self,
        *,
        performer_id: str | None = None,
        venue_id: str | None = None,
        category_id: str | None = None,
        query: str | None = None,
    ) -> AsyncIterator[MarketplaceEvent | Refused]:
        """Go through all upcoming events that match; see `Marketplace.upcoming_events`."""
        rule = {"performer_id": performer_id, "venue_id": venue_id, "category": category_id, "q": query}
        chosen = {name: value for name, value in rule.items() if value is not None}
        seen: set[str] = set()
        for number in range(1, MOST_PAGES + 1):
            what = f"The events of {', '.join(f'{name} {value}' for name, value in chosen.items())} (page {number})"
            reply = await self._http.ask(
                what, "/v1/events", {**chosen, "per_page": str(PAGE_SIZE), "page": str(number)}
            )
            page = read_page(body_of(reply), what)
            for one in new_events(*read_entries_of(page, what), is_parking, event_of, seen):
                yield one
            if not page.more:
                return
        raise Refused(f"The list of events has more than {MOST_PAGES} pages. Track a narrower rule.")

    def read_listings(self, body: bytes, external_id: str, tolerance: float) -> Inventory:
        """Read the body of an `Answer`; see `Marketplace.read_listings`."""
        return read_listings(body, external_id, tolerance)

    def fields(self, body: bytes) -> set[str]:
        """The names of all fields in the body of an `Answer`; see `Marketplace.fields`.

        The keys of an object of listings are ids, as are those of `lot_attributes`.
        """
        return field_names(body, nameless=("listings.listings", "listings.listings.lot_attributes"))
