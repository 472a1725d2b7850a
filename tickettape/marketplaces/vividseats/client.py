"""Ask Vivid Seats, or whatever speaks its format: one HTTP request in, one classified reply out.

Reading answers belongs in `wire`, when to ask and to retry in `pacing`. The client is polite: one
honest User-Agent, no evasion of blocks, and the whole document in one request.
"""

import logging
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx

from tickettape.marketplaces.pacing import (
    CONNECTIONS,
    DEADLINE_SECONDS,
    FIRST_BACKOFF_SECONDS,
    Class,
    Pace,
    Reply,
    retry_after_seconds,
)
from tickettape.marketplaces.protocol import (
    Answer,
    AnswerStatus,
    Blocked,
    Inventory,
    MarketplaceError,
    MarketplaceEvent,
    Missing,
    NoDate,
    Refused,
    Unreachable,
)
from tickettape.marketplaces.rate_limiter import LocalRateLimiter, RateLimiter, RateLimits, rate_per_second
from tickettape.marketplaces.vividseats.read_catalogue import event_of, is_parking, read_page, read_production
from tickettape.marketplaces.vividseats.read_listings import answer_fields, read_listings
from tickettape.marketplaces.vividseats.wire_format import CURRENCY

SIMULATED = "simulator"
SIMULATOR_HEADER = "x-tickettape-simulator"
SIMULATOR_TIME_HEADER = "x-simulator-time"

CONNECT_SECONDS = 5.0  # a handshake takes under one; a slower one is better tried again
READ_SECONDS = 10.0  # of silence; a trickle that never falls silent is ended by the event's deadline
LARGEST_ANSWER_BYTES = 50_000_000  # sixty times a full venue's answer: anything more is not one
PRICE_GROUP = "291"  # pinned: left out, the marketplace chooses one, and prices would differ by asker
PAGE_SIZE = 50  # public clients of this API ask for 12 to 100
MOST_PAGES = 200  # 10,000 productions of one rule: past that it is a list without an end

_STATUS: dict[Class, AnswerStatus] = {
    "received": "received",
    "missing": "missing",
    "blocked": "blocked",
    "failed": "failed",
    "passing": "failed",
    "throttled": "failed",
    "unasked": "missed",
}
_ERRORS: dict[AnswerStatus, type[MarketplaceError]] = {
    "missing": Missing,
    "blocked": Blocked,
    "failed": Unreachable,
    "missed": Unreachable,
}

log = logging.getLogger(__name__)


class VividSeats:
    """A `Marketplace` on the Vivid Seats wire format; used as `async with VividSeats(...) as marketplace`.

    `base_url` is the part before `/listings`. `source` is what everything is filed under; only
    "simulator" may be answered by a simulator, and only a simulator may answer it, so that simulated
    prices are never filed as real ones. `limiter` is the budget and the breaker that this client shares
    with all others of its source; without, it has a budget of its own of `requests_per_second`, and None
    means unpaced.
    """

    def __init__(
        self,
        base_url: str,
        user_agent: str,
        *,
        source: str = "vividseats",
        limiter: RateLimiter | None = None,
        requests_per_second: float | None = 5.0,
        deadline_seconds: float = DEADLINE_SECONDS,
        first_backoff_seconds: float = FIRST_BACKOFF_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        largest_answer_bytes: int = LARGEST_ANSWER_BYTES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        url = httpx.URL(base_url)
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError(
                f"The marketplace's address is {base_url!r}: give the http or https URL that stands before "
                "/listings, such as https://www.vividseats.com/hermes/api/v1."
            )
        self.source = source
        self.requests: Counter[str] = Counter()
        self.knows_the_past = source == SIMULATED
        self._base_url = str(url).rstrip("/")
        self._user_agent = user_agent
        rates = () if requests_per_second is None else (rate_per_second(requests_per_second),)
        self._limiter = limiter or LocalRateLimiter(RateLimits(rates))
        self._deadline_seconds = deadline_seconds
        self._first_backoff_seconds = first_backoff_seconds
        # A wait for a connection cannot happen behind the pace's 20 slots; if it does, say so soon.
        self._timeout = httpx.Timeout(
            connect=connect_seconds, read=read_seconds, write=read_seconds, pool=connect_seconds
        )
        self._largest_answer_bytes = largest_answer_bytes
        self._transport = transport
        self._http: httpx.AsyncClient | None = None
        self._pace: Pace | None = None

    async def __aenter__(self) -> Self:
        self._pace = Pace(
            self._limiter,
            deadline_seconds=self._deadline_seconds,
            first_backoff_seconds=self._first_backoff_seconds,
            requests=self.requests,
        )
        self._http = httpx.AsyncClient(
            headers={"User-Agent": self._user_agent, "Accept": "application/json"},
            timeout=self._timeout,
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            transport=self._transport,
            follow_redirects=False,
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        http, pace, self._http, self._pace = self._http, self._pace, None, None
        if http is not None:
            await http.aclose()
        if pace is not None:
            await pace.close()

    async def listings(self, external_id: str, at: datetime) -> Answer:
        """Ask for all listings of an event; see `Marketplace.listings`.

        Never sends `quantity`, `page` or `limit`: they ask for a subset.
        """
        headers = {SIMULATOR_TIME_HEADER: at.astimezone(UTC).isoformat()} if self.knows_the_past else {}
        reply = await self._ask(
            f"Production {external_id}",
            "/listings",
            {
                "productionId": external_id,
                "currency": CURRENCY,
                "localizeCurrency": "true",
                "priceGroupId": PRICE_GROUP,
            },
            headers,
        )
        return Answer(
            external_id=external_id,
            status=_STATUS[reply.kind],
            http_status=reply.http_status,
            body=reply.body,
            fetched_at=datetime.now(UTC),
            latency_ms=reply.latency_ms,
            note=reply.note,
            kind=reply.kind,
        )

    async def event(self, external_id: str) -> MarketplaceEvent:
        """Ask for one event; see `Marketplace.event`."""
        path = f"/productions/{quote(external_id, safe='')}/details"
        reply = await self._ask(f"Production {external_id}", path, {"currency": CURRENCY})
        return read_production(_body(reply), external_id)

    async def upcoming_events(
        self,
        *,
        performer_id: str | None = None,
        venue_id: str | None = None,
        category_id: str | None = None,
        query: str | None = None,
    ) -> AsyncIterator[MarketplaceEvent]:
        """Go through all upcoming events that match; see `Marketplace.upcoming_events`."""
        rule = {"performerId": performer_id, "venueId": venue_id, "categoryId": category_id, "query": query}
        chosen = {name: value for name, value in rule.items() if value is not None}
        asked = ", ".join(f"{name} {value}" for name, value in chosen.items()) or "every rule"
        seen: set[int] = set()
        for number in range(1, MOST_PAGES + 1):
            what = f"The productions of {asked} (page {number})"
            reply = await self._ask(
                what,
                "/productions",
                {**chosen, "pageSize": str(PAGE_SIZE), "page": str(number), "excludeParking": "true"},
            )
            page = read_page(_body(reply), what)
            fresh = [item for item in page.items if item.id not in seen]
            seen.update(item.id for item in fresh)
            for item in fresh:
                if item.hidden or is_parking(item):
                    continue
                try:
                    event = event_of(item)
                except (NoDate, Refused) as reason:
                    log.warning("%s", reason)
                    continue
                yield event
            if not fresh or number >= page.numberOfPages:
                return
        log.warning(
            "The productions of %s did not end after %d pages and were cut there; ask a narrower rule.",
            asked,
            MOST_PAGES,
        )

    def read_listings(self, body: bytes, external_id: str, tolerance: float) -> Inventory:
        """Read the body of an `Answer`; see `Marketplace.read_listings`."""
        return read_listings(body, external_id, tolerance)

    def fields(self, body: bytes) -> set[str]:
        """The names of all fields in the body of an `Answer`; see `Marketplace.fields`."""
        return answer_fields(body)

    async def _ask(self, what: str, path: str, params: dict[str, str], headers: dict[str, str] | None = None) -> Reply:
        http, pace = self._http, self._pace
        if http is None or pace is None:
            raise RuntimeError("The marketplace is not open: use it inside `async with`.")

        async def attempt() -> Reply:
            request = http.build_request("GET", self._base_url + path, params=params, headers=headers)
            try:
                return await self._reply(http, request, what)
            except httpx.TimeoutException as error:
                return Reply("passing", note=f"{what} was not answered in time ({_name(error)}).")
            except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
                return Reply("failed", note=f"{what} could not be asked ({_name(error)}); mend the request.")
            except (httpx.TransportError, httpx.DecodingError, OSError) as error:
                return Reply("passing", note=f"{what}: the connection failed ({_name(error)}).")
            except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
                return Reply("failed", note=f"{what} could not be asked ({_name(error)}).")

        return await pace.ask(what, attempt)

    async def _reply(self, http: httpx.AsyncClient, request: httpx.Request, what: str) -> Reply:
        response = await http.send(request, stream=True)
        try:
            settled = self._settled_by_head(response, what)
            if settled is not None:
                return settled
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._largest_answer_bytes:
                    return Reply(
                        "failed",
                        200,
                        note=f"{what} answered with more than {self._largest_answer_bytes} bytes, which no "
                        "venue needs; look at what it sends.",
                    )
            return Reply("received", 200, bytes(body))
        finally:
            await response.aclose()

    def _settled_by_head(self, response: httpx.Response, what: str) -> Reply | None:
        status = response.status_code
        simulated = SIMULATOR_HEADER in response.headers
        if simulated and self.source != SIMULATED:
            return Reply(
                "failed",
                status,
                note=f"{what} was answered by a simulator, and its prices would be filed under "
                f"{self.source!r}: set MARKETPLACE_SOURCE=simulator, or give another MARKETPLACE_URL.",
            )
        if self.source == SIMULATED and status == 200 and not simulated:
            return Reply(
                "failed",
                status,
                note=f"{what} was answered by something that is not a simulator, and real prices must not be "
                "filed as simulated ones: set MARKETPLACE_SOURCE to what it is.",
            )
        kind, note = _class_of(status, response.headers.get("content-type", ""), what)
        if kind == "received":
            return None
        wait_seconds = (
            retry_after_seconds(response.headers.get("retry-after"), datetime.now(UTC))
            if kind in ("passing", "throttled")
            else None
        )
        return Reply(kind, status, note=note, retry_after_seconds=wait_seconds)


def _class_of(status: int, content_type: str, what: str) -> tuple[Class, str]:
    """The failure table of the wire format: what a status and a content type mean."""
    media_type = content_type.partition(";")[0].strip().lower()
    if status == 200:
        if media_type == "application/json" or media_type.endswith("+json"):
            return "received", ""
        return "blocked", (
            f"{what} answered {media_type or 'an unnamed type'} instead of JSON (200): the marketplace shows "
            "us a challenge; slow down, do not evade it."
        )
    if status == 404:
        return "missing", (
            f"{what} is unknown to the marketplace (404): a miss, seen now and then on valid ones; it is "
            "retired only by its date or by several misses in a row."
        )
    if status in (401, 403):
        return "blocked", f"{what} was denied ({status}): the marketplace is blocking us; slow down."
    if status == 429:
        return "throttled", f"{what} was asked too fast (429): lower the requests per second."
    if status == 408 or 500 <= status <= 599:
        return "passing", f"{what} met a passing failure of the marketplace ({status})."
    return "failed", f"{what} answered {status}, which this client does not expect; look at what it sends."


def _body(reply: Reply) -> bytes:
    if reply.body is not None:
        return reply.body
    raise _ERRORS[_STATUS[reply.kind]](reply.note or "The marketplace did not answer.")


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
