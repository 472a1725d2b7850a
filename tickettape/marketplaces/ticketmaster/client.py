"""The client for Ticketmaster's Discovery API: its paths, its parameters, and how a long list is cut.

The key is part of every URL, so a URL is never put into a note, an error or a log line.
"""

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from tickettape.marketplaces.http_client import PacedHttpClient, body_of, class_of_status
from tickettape.marketplaces.http_marketplace import HttpMarketplace
from tickettape.marketplaces.pacing import Class
from tickettape.marketplaces.protocol import MarketplaceEvent, Refused
from tickettape.marketplaces.reading import new_events
from tickettape.marketplaces.ticketmaster.read_catalogue import (
    event_of,
    is_hidden,
    read_entries_of,
    read_event,
    read_page,
)
from tickettape.marketplaces.ticketmaster.wire_format import WirePage

EXAMPLE_URL = "https://app.ticketmaster.com/discovery/v2"
PAGE_SIZE = 100  # 500 by the documentation, 200 as observed
MOST_EVENTS = 1_000  # of one search: deeper pages are refused
AHEAD = timedelta(days=5 * 366)
SHORTEST_WINDOW = timedelta(minutes=1)
RESTARTS = 2  # of a window whose total changes while it is read
WITHOUT_DATE = ("includeTBA", "includeTBD")  # both at once find nothing

NOT_KNOWN = {
    "terms": "whether its present terms allow what you do: those of 2015 forbid to store more than the service needs, "
    "and calls that are not made for a user",
}
"""What an operator must accept by name before it is used."""


class _WithoutKeys(logging.Filter):
    """Take the key out of what httpx logs: it logs every URL."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_hidden(one) for one in record.args)
        return True


def _hidden(argument: object) -> object:
    if isinstance(argument, httpx.URL) and "apikey" in argument.params:
        return argument.copy_set_param("apikey", "…")
    return argument


logging.getLogger("httpx").addFilter(_WithoutKeys())


class Ticketmaster(HttpMarketplace):
    """A `Catalogue` on the Discovery API v2; used as `async with Ticketmaster(...) as catalogue`.

    It has no listings. `options` are those of `PacedHttpClient`.
    """

    def __init__(self, base_url: str, user_agent: str, *, key: str, source: str, **options: Any) -> None:
        super().__init__(
            PacedHttpClient(base_url, user_agent, source=source, example_url=EXAMPLE_URL, classify=classify, **options)
        )
        self._key = key

    async def event(self, external_id: str) -> MarketplaceEvent:
        """Ask for one event; see `Catalogue.event`."""
        reply = await self._http.ask(
            f"Event {external_id}", f"/events/{quote(external_id, safe='')}.json", {"apikey": self._key}
        )
        return read_event(body_of(reply), external_id)

    async def upcoming_events(
        self,
        *,
        performer_id: str | None = None,
        venue_id: str | None = None,
        category_id: str | None = None,
        query: str | None = None,
    ) -> AsyncIterator[MarketplaceEvent | Refused]:
        """Go through all upcoming events that match; see `Catalogue.upcoming_events`.

        A search answers with a thousand events at most, so a longer one is cut into windows of time. Events without a
        date are hidden from it, so they are asked for apart.
        """
        rule = {
            "attractionId": performer_id, "venueId": venue_id, "classificationId": category_id, "keyword": query
        }  # fmt: skip
        chosen = {name: value for name, value in rule.items() if value is not None}
        now = datetime.now(UTC).replace(microsecond=0)
        seen: set[str] = set()
        windows = [(now, now + AHEAD)]
        searches: list[dict[str, str]] = [{name: "only"} for name in WITHOUT_DATE]
        while windows or searches:
            if windows:
                start, end = windows.pop()
                search = {"startDateTime": f"{start:%Y-%m-%dT%H:%M:%SZ}", "endDateTime": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
            else:
                start = end = now
                search = searches.pop()
            pages = await self._pages({**chosen, **search})
            if pages is None:
                if end - start < 2 * SHORTEST_WINDOW:
                    raise Refused(f"More than {MOST_EVENTS} events match {search}. Narrow the search.")
                middle = (start + (end - start) / 2).replace(microsecond=0)
                windows += [(middle, end), (start, middle)]  # both ends count: what is at the middle comes twice
                continue
            for page, what in pages:
                for one in new_events(*read_entries_of(page, what), is_hidden, event_of, seen):
                    yield one

    async def _pages(self, search: dict[str, str]) -> list[tuple[WirePage, str]] | None:
        """All pages of a search; None if it has more events than can be had."""
        for _ in range(1 + RESTARTS):
            pages: list[tuple[WirePage, str]] = []
            while not pages or len(pages) < pages[0][0].page.totalPages:
                what = f"The events of {', '.join(f'{name} {one}' for name, one in search.items())} (page {len(pages)})"
                params = {**search, "size": str(PAGE_SIZE), "page": str(len(pages)), "sort": "id,asc"}
                reply = await self._http.ask(what, "/events.json", {**params, "apikey": self._key})
                page = read_page(body_of(reply), what)
                if page.page.totalElements > MOST_EVENTS:
                    return None
                pages.append((page, what))
                if page.page.totalElements != pages[0][0].page.totalElements:
                    break
            else:
                return pages
        raise Refused(f"The number of events changed while they were listed, {1 + RESTARTS} times in a row.")


def classify(status: int, content_type: str, what: str, error: bytes) -> tuple[Class, str]:
    """What a status means here. The text of a 429 repeats the key, so no text of an error is shown."""
    if status == 401:
        return "blocked", f"{what} was denied (401): the key is not valid. Look at the setting `token` of this source."
    if status == 429 and b"QuotaViolation" in error:
        return "throttled", f"{what} was not answered: the day's requests are used up (429). Ask again tomorrow."
    if status == 400:
        return "failed", f"{what} was requested in a way that is not allowed (400). Update the client."
    return class_of_status(status, content_type, what)
