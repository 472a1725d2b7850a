"""The client for Vivid Seats, or for any server with its format: the paths and parameters of its requests.

`http_client` sends the requests; `read_listings` and `read_catalogue` read the answers. All listings of an event come
in one answer.
"""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

import httpx

from tickettape.marketplaces.http_client import (
    CONNECT_SECONDS,
    LARGEST_ANSWER_BYTES,
    READ_SECONDS,
    PacedHttpClient,
    answer_of,
    body_of,
)
from tickettape.marketplaces.http_marketplace import HttpMarketplace
from tickettape.marketplaces.pacing import DEADLINE_SECONDS, FIRST_BACKOFF_SECONDS
from tickettape.marketplaces.protocol import Answer, Inventory, MarketplaceEvent, Refused
from tickettape.marketplaces.rate_limiter import LocalRateLimiter, RateLimiter, RateLimits, rate_per_second
from tickettape.marketplaces.vividseats.read_catalogue import (
    event_of,
    is_parking,
    read_items,
    read_page,
    read_production,
)
from tickettape.marketplaces.vividseats.read_listings import answer_fields, read_listings
from tickettape.marketplaces.vividseats.wire_format import CURRENCY

PRICE_GROUP = "291"  # fixed: without it the marketplace chooses one, and prices would depend on who asks
PAGE_SIZE = 50  # public clients of this API ask for 12 to 100
MOST_PAGES = 200  # 10,000 productions of one rule; a longer list has no end

log = logging.getLogger(__name__)


class VividSeats(HttpMarketplace):
    """A `Marketplace` on the Vivid Seats wire format; used as `async with VividSeats(...) as marketplace`.

    `base_url` is the part before `/listings`. Everything is stored under the name `source`. `limiter` is the rate
    limiter that this client shares with all others of its source. Without one it has its own, with
    `requests_per_second`; None means not paced. `simulated`: a simulator answers, see `PacedHttpClient`.
    """

    def __init__(
        self,
        base_url: str,
        user_agent: str,
        *,
        source: str = "vividseats",
        simulated: bool = False,
        limiter: RateLimiter | None = None,
        requests_per_second: float | None = 5.0,
        deadline_seconds: float = DEADLINE_SECONDS,
        first_backoff_seconds: float = FIRST_BACKOFF_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        largest_answer_bytes: int = LARGEST_ANSWER_BYTES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        rates = () if requests_per_second is None else (rate_per_second(requests_per_second),)
        http = PacedHttpClient(
            base_url,
            user_agent,
            source=source,
            example_url="https://www.vividseats.com/hermes/api/v1",
            limiter=limiter or LocalRateLimiter(RateLimits(rates)),
            simulated=simulated,
            deadline_seconds=deadline_seconds,
            first_backoff_seconds=first_backoff_seconds,
            connect_seconds=connect_seconds,
            read_seconds=read_seconds,
            largest_answer_bytes=largest_answer_bytes,
            transport=transport,
        )
        super().__init__(http)
        url = httpx.URL(base_url)
        self._site = f"{url.scheme}://{url.netloc.decode()}"

    async def listings(self, external_id: str, at: datetime) -> Answer:
        """Ask for all listings of an event; see `Marketplace.listings`.

        Never sends `quantity`, `page` or `limit`: they ask for a subset.
        """
        reply = await self._http.ask(
            f"Production {external_id}",
            "/listings",
            {
                "productionId": external_id,
                "currency": CURRENCY,
                "localizeCurrency": "true",
                "priceGroupId": PRICE_GROUP,
            },
            self._time(at),
        )
        return answer_of(external_id, reply)

    async def event(self, external_id: str) -> MarketplaceEvent:
        """Ask for one event; see `Marketplace.event`."""
        path = f"/productions/{quote(external_id, safe='')}/details"
        reply = await self._http.ask(f"Production {external_id}", path, {"currency": CURRENCY})
        return self._with_page(read_production(body_of(reply), external_id))

    async def upcoming_events(
        self,
        *,
        performer_id: str | None = None,
        venue_id: str | None = None,
        category_id: str | None = None,
        query: str | None = None,
    ) -> AsyncIterator[MarketplaceEvent | Refused]:
        """Go through all upcoming events that match; see `Marketplace.upcoming_events`."""
        rule = {"performerId": performer_id, "venueId": venue_id, "categoryId": category_id, "query": query}
        chosen = {name: value for name, value in rule.items() if value is not None}
        asked = ", ".join(f"{name} {value}" for name, value in chosen.items()) or "every rule"
        seen: set[int | str] = set()
        for number in range(1, MOST_PAGES + 1):
            what = f"The productions of {asked} (page {number})"
            reply = await self._http.ask(
                what,
                "/productions",
                {**chosen, "pageSize": str(PAGE_SIZE), "page": str(number), "excludeParking": "true"},
            )
            page = read_page(body_of(reply), what)
            items, refused = read_items(page, what)
            fresh = [item for item in items if item.id not in seen]
            fresh_refused = [one for one in refused if one.reason not in seen]
            seen.update(item.id for item in fresh)
            seen.update(one.reason for one in fresh_refused)
            for one in fresh_refused:
                yield one
            for item in fresh:
                if item.hidden or is_parking(item):
                    continue
                try:
                    event = self._with_page(event_of(item))
                except Refused as reason:
                    yield reason
                    continue
                yield event
            if not (fresh or fresh_refused) or number >= page.numberOfPages:
                return
        log.warning(
            "The productions of %s did not end after %d pages, and the rest was left out. Track a narrower rule.",
            asked,
            MOST_PAGES,
        )

    def _with_page(self, event: MarketplaceEvent) -> MarketplaceEvent:
        """The event with the address of its page: the stated path, on the host that stated it."""
        path = event.page_url or ""
        whole = self._site + path if path.startswith("/") and not path.startswith("//") else None
        return replace(event, page_url=whole)

    def read_listings(self, body: bytes, external_id: str, tolerance: float) -> Inventory:
        """Read the body of an `Answer`; see `Marketplace.read_listings`."""
        return read_listings(body, external_id, tolerance)

    def fields(self, body: bytes) -> set[str]:
        """The names of all fields in the body of an `Answer`; see `Marketplace.fields`."""
        return answer_fields(body)
