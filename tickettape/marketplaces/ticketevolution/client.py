"""The client for Ticket Evolution: signed requests, their paths and parameters.

`http_client` sends the requests; `read_listings` and `read_catalogue` read the answers. Token and secret are sent, and
never put into a note, an error or a log line.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from tickettape.marketplaces.http_client import PacedHttpClient, answer_of, body_of, class_of_status
from tickettape.marketplaces.http_marketplace import HttpMarketplace
from tickettape.marketplaces.pacing import Class, Reply
from tickettape.marketplaces.protocol import Answer, Inventory, MarketplaceEvent, Refused
from tickettape.marketplaces.reading import field_names, new_events
from tickettape.marketplaces.ticketevolution.read_catalogue import (
    event_of,
    is_hidden,
    read_entries_of,
    read_event,
    read_page,
)
from tickettape.marketplaces.ticketevolution.read_listings import read_listings
from tickettape.marketplaces.ticketevolution.signing import signature, sorted_query
from tickettape.marketplaces.ticketevolution.wire_format import PRICE_BASES
from tickettape.marketplaces.two_replies import join_replies

EXAMPLE_URL = "https://api.ticketevolution.com/v9"
PAGE_SIZE = 100  # the most that a page has
MOST_PAGES = 100  # 10,000 events of one rule
RESTARTS = 2  # of a list whose total changes while it is read
WRONG_PATH = b"The endpoint you requested doesn't exist"


class TicketEvolution(HttpMarketplace):
    """A `Marketplace` on Ticket Evolution's API v9; used as `async with TicketEvolution(...) as marketplace`.

    `base_url` ends in `/v9`. `price_basis` is one of PRICE_BASES: which of the two prices is the market's price here.
    Each poll sends two requests, for the listings and for their totals. `options` are those of `PacedHttpClient`.
    """

    requests_per_poll = 2

    def __init__(
        self, base_url: str, user_agent: str, *, token: str, secret: str, price_basis: str, source: str, **options: Any
    ) -> None:
        if price_basis not in PRICE_BASES:
            raise ValueError(f"The price basis is {price_basis!r}. Set it to one of {', '.join(PRICE_BASES)}.")
        super().__init__(
            PacedHttpClient(
                base_url,
                user_agent,
                source=source,
                example_url=EXAMPLE_URL,
                headers={"X-Token": token},
                classify=classify,
                **options,
            )
        )
        url = httpx.URL(base_url)
        self._address = url.netloc.decode() + url.path.rstrip("/")
        self._secret = secret
        self._price_basis = price_basis

    async def listings(self, external_id: str, at: datetime) -> Answer:
        """Ask for all listings of an event, then for their totals; see `Marketplace.listings`.

        Never sends `quantity`, `section`, `row` or `owned`: they ask for a subset.
        """
        params = {"event_id": external_id, "type": "event"}
        reply = await self._ask(f"The listings of event {external_id}", "/listings", params, at)
        if reply.body is None:
            return answer_of(external_id, reply)
        path = f"/events/{quote(external_id, safe='')}/stats"
        stats = await self._ask(f"The totals of event {external_id}", path, {"inventory_type": "event"}, at)
        body = join_replies({"listings": reply.body, "stats": stats.body}, price_basis=self._price_basis)
        return answer_of(external_id, replace(reply, body=body))

    async def event(self, external_id: str) -> MarketplaceEvent:
        """Ask for one event; see `Marketplace.event`."""
        reply = await self._ask(f"Event {external_id}", f"/events/{quote(external_id, safe='')}", {})
        return read_event(body_of(reply), external_id)

    async def upcoming_events(
        self,
        *,
        performer_id: str | None = None,
        venue_id: str | None = None,
        category_id: str | None = None,
        query: str | None = None,
    ) -> AsyncIterator[MarketplaceEvent | Refused]:
        """Go through all upcoming events that match; see `Marketplace.upcoming_events`.

        The list ends when as many entries were seen as it states, not at a short page. If its total changes meanwhile,
        it is read from the start again.
        """
        rule = {"performer_id": performer_id, "venue_id": venue_id, "category_id": category_id, "q": query}
        chosen = {name: value for name, value in rule.items() if value is not None}
        yesterday = datetime.now(UTC) - timedelta(days=1)  # dates are local, and some zones are a day behind
        chosen["occurs_at.gte"] = f"{yesterday:%Y-%m-%d}T00:00:00Z"
        path = "/events/search" if query is not None else "/events"
        yielded: set[str] = set()
        for _ in range(1 + RESTARTS):
            seen, total = 0, None
            for number in range(1, MOST_PAGES + 1):
                what = f"The events of {', '.join(f'{name} {value}' for name, value in chosen.items())} (page {number})"
                reply = await self._ask(what, path, {**chosen, "per_page": str(PAGE_SIZE), "page": str(number)})
                page = read_page(body_of(reply), what)
                if total not in (None, page.total_entries):
                    break
                total = page.total_entries
                seen += len(page.events)
                for one in new_events(*read_entries_of(page, what), is_hidden, event_of, yielded):
                    yield one
                if seen >= total:
                    return
                if not page.events:
                    raise Refused(f"{what} is empty, though only {seen} of {total} events have arrived.")
            else:
                raise Refused(f"The list has more than {MOST_PAGES} pages. Track a narrower rule.")
        raise Refused(f"The number of events of {path} changed while they were listed, {1 + RESTARTS} times in a row.")

    def read_listings(self, body: bytes, external_id: str, tolerance: float) -> Inventory:
        """Read the body of an `Answer`; see `Marketplace.read_listings`."""
        return read_listings(body, external_id, self._price_basis, tolerance)

    def fields(self, body: bytes) -> set[str]:
        """The names of all fields in the body of an `Answer`; see `Marketplace.fields`."""
        return field_names(body)

    async def _ask(self, what: str, path: str, params: Mapping[str, str], at: datetime | None = None) -> Reply:
        signed = signature(self._secret, self._address + path, params)
        return await self._http.ask(what, path, sorted_query(params), {"X-Signature": signed, **self._time(at)})


def classify(status: int, content_type: str, what: str, error: bytes) -> tuple[Class, str]:
    """What a status means here: a 401 is about token and secret, and some 404s are about a wrong path."""
    if status == 401:
        return "blocked", (
            f"{what} was denied (401): the token is unknown, or the signature does not fit. Look at the settings "
            "`token` and `secret` of this marketplace, and at its address."
        )
    if status == 404 and WRONG_PATH in error:
        return "failed", f"{what} was requested at a path that does not exist (404). Check the marketplace's URL."
    if status in (301, 302, 400, 406, 422):
        return "failed", f"{what} was requested in a way that is not allowed ({status}). Update the client."
    return class_of_status(status, content_type, what)
