"""Send HTTP requests and classify the replies: the part that the clients of all marketplaces share.

It is polite: it has one honest User-Agent and does not evade blocks. `pacing` decides when to send and to retry. Paths
and parameters belong in the marketplace's own folder.
"""

import asyncio
import codecs
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpx
import msgspec

from tickettape.marketplaces.one_by_one import UNREADABLE, decode_json
from tickettape.marketplaces.pacing import (
    CONNECTIONS,
    DEADLINE_SECONDS,
    FIRST_BACKOFF_SECONDS,
    Class,
    Pace,
    Reply,
    retry_after_seconds,
)
from tickettape.marketplaces.protocol import Answer, AnswerStatus, Blocked, MarketplaceError, Missing, Unreachable
from tickettape.marketplaces.rate_limiter import LocalRateLimiter, RateLimiter, RateLimits

SIMULATOR_HEADER = "x-tickettape-simulator"  # every simulated answer has it
SIMULATOR_TIME_HEADER = "x-simulator-time"  # the time that a simulator is asked about

CONNECT_SECONDS = 5.0  # a handshake takes under one; a slower one is better tried again
READ_SECONDS = 10.0  # without a byte; the event's deadline ends an answer that trickles for ever
ERROR_BYTES = 1024  # enough of an error to tell what it is about
ERROR_SECONDS = 1.0  # an error whose body comes later is classified by its status alone
DECODED = ("", "identity", "gzip", "deflate", "zstd")  # what httpx asks for; it does not decode any other
JSON = msgspec.json.Decoder(msgspec.Raw)  # checks the whole text without building objects
LARGEST_ANSWER_BYTES = 50_000_000  # sixty times the answer for a full venue

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

Classify = Callable[[int, str, str, bytes], tuple[Class, str]]
"""(status, content type, what was asked, beginning of an error's body) -> the class of the reply, and a sentence.

The sentence is for an operator. It is stored and shown, so it must not quote the body, which may repeat a key.
"""


class PacedHttpClient:
    """GET requests to one marketplace within its budget; used as `async with`, within one event loop.

    `base_url` precedes every path; errors show `example_url` as an example of it. `limiter` is the rate limiter that
    all clients of this `source` share; without one, requests are not paced. `simulated`: whether a simulator answers.
    If so, only its answers are accepted. Otherwise none of them is, so that invented prices are never stored as real.
    """

    def __init__(
        self,
        base_url: str,
        user_agent: str,
        *,
        source: str,
        example_url: str,
        limiter: RateLimiter | None = None,
        simulated: bool = False,
        deadline_seconds: float = DEADLINE_SECONDS,
        first_backoff_seconds: float = FIRST_BACKOFF_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        largest_answer_bytes: int = LARGEST_ANSWER_BYTES,
        transport: httpx.AsyncBaseTransport | None = None,
        headers: Mapping[str, str] | None = None,
        classify: Classify | None = None,
    ) -> None:
        url = httpx.URL(base_url)
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError(
                f"{base_url!r} cannot be used as the marketplace's address. Give the http or https URL that precedes "
                f"every path, such as {example_url}."
            )
        self.source = source
        self.simulated = simulated
        self.requests: Counter[str] = Counter()
        self._base_url = str(url).rstrip("/")
        self._headers = {"User-Agent": user_agent, "Accept": "application/json", **(headers or {})}
        self._limiter = limiter or LocalRateLimiter(RateLimits())
        self._deadline_seconds = deadline_seconds
        self._first_backoff_seconds = first_backoff_seconds
        # The pace has as many slots as there are connections, so nothing should wait for one. If it does, fail soon.
        self._timeout = httpx.Timeout(
            connect=connect_seconds, read=read_seconds, write=read_seconds, pool=connect_seconds
        )
        self._largest_answer_bytes = largest_answer_bytes
        self._transport = transport
        self._classify = classify or class_of_status
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
            headers=self._headers,
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

    async def ask(
        self, what: str, path: str, params: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Reply:
        """GET a path, and retry until the deadline if that may help. `what` names the request in notes."""
        http, pace = self._http, self._pace
        if http is None or pace is None:
            raise RuntimeError("The marketplace client is not open. Use it inside `async with`.")

        async def attempt() -> Reply:
            request = http.build_request("GET", self._base_url + path, params=dict(params), headers=headers)
            try:
                return await self._reply(http, request, what)
            except httpx.TimeoutException as error:
                return Reply("passing", note=f"{what} did not arrive in time ({_name(error)}).")
            except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
                return Reply("failed", note=f"{what} could not be requested ({_name(error)}). Correct the request.")
            except (httpx.TransportError, httpx.DecodingError, OSError) as error:
                return Reply("passing", note=f"{what} did not arrive: the connection failed ({_name(error)}).")
            except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
                return Reply("failed", note=f"{what} could not be requested ({_name(error)}).")

        return await pace.ask(what, attempt)

    async def _reply(self, http: httpx.AsyncClient, request: httpx.Request, what: str) -> Reply:
        response = await http.send(request, stream=True)
        try:
            settled = self._settled(response, what, await self._error_of(response))
            if settled is not None:
                return settled
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._largest_answer_bytes:
                    return Reply(
                        "failed",
                        200,
                        note=(
                            f"{what} came with more than {self._largest_answer_bytes} bytes, more than any venue "
                            "needs. Look at what the marketplace sends."
                        ),
                    )
            return _received(bytes(body).removeprefix(codecs.BOM_UTF8), response.headers, what)
        finally:
            await response.aclose()

    async def _error_of(self, response: httpx.Response) -> bytes:
        """The beginning of an error's body, as far as it came in time. Read only if the client has a `classify`."""
        start = bytearray()
        if response.status_code != 200 and self._classify is not class_of_status:
            with suppress(httpx.HTTPError, TimeoutError):
                async with asyncio.timeout(ERROR_SECONDS):
                    async for chunk in response.aiter_bytes():
                        start += chunk
                        if len(start) >= ERROR_BYTES:
                            break
        return bytes(start[:ERROR_BYTES])

    def _settled(self, response: httpx.Response, what: str, error: bytes) -> Reply | None:
        status = response.status_code
        wrong = self._wrong_origin(status, SIMULATOR_HEADER in response.headers, what)
        if wrong is not None:
            return Reply("failed", status, note=wrong)
        kind, note = self._classify(status, response.headers.get("content-type", ""), what, error)
        if kind == "received":
            return None
        wait_seconds = (
            retry_after_seconds(response.headers.get("retry-after"), datetime.now(UTC))
            if kind in ("passing", "throttled")
            else None
        )
        return Reply(kind, status, note=note, retry_after_seconds=wait_seconds)

    def _wrong_origin(self, status: int, by_simulator: bool, what: str) -> str | None:
        if by_simulator and not self.simulated:
            return (
                f"{what} came from a simulator, and its prices would be stored under {self.source!r}. Give the "
                "source the format simulator (if it is the only one: MARKETPLACE_SOURCE=simulator), or another URL."
            )
        if self.simulated and status == 200 and not by_simulator:
            return (
                f"{what} did not come from a simulator, and real prices must not be stored as simulated ones. Set "
                "the format of the source (MARKETPLACE_SOURCE) to what it really is."
            )
        return None


def class_of_status(status: int, content_type: str, what: str, error: bytes = b"") -> tuple[Class, str]:
    """What a status and a content type mean if a JSON answer is expected. `error` is not used."""
    media_type = content_type.partition(";")[0].strip().lower()
    if status == 200:
        if media_type == "application/json" or media_type.endswith("+json"):
            return "received", ""
        return "blocked", (
            f"{what} came as {media_type or 'an unnamed type'} instead of JSON (200): the marketplace shows us a "
            "challenge. Slow down; do not evade it."
        )
    if status == 404:
        return "missing", (
            f"{what} is unknown to the marketplace (404). This sometimes happens to valid events. An event is "
            "retired only after its date, or after several misses in a row."
        )
    if status in (401, 403):
        return "blocked", f"{what} was denied ({status}): the marketplace is blocking us. Slow down."
    if status == 429:
        return "throttled", f"{what} was requested too fast (429). Lower the requests per second."
    if status == 408 or 500 <= status <= 599:
        return "passing", f"{what} failed at the marketplace ({status}), probably for a short time."
    return (
        "failed",
        f"{what} returned status {status}, which this client does not expect. Look at what the marketplace sends.",
    )


def _received(body: bytes, headers: Mapping[str, str], what: str) -> Reply:
    """The reply with this body, if it is JSON. If it was cut off or garbled on its way, a retry may help."""
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in DECODED:
        return Reply("passing", 200, note=f"{what} answered in the encoding {coding[:40]!r}, which was not asked for.")
    if body.lstrip()[:1] == b"<":
        return Reply(
            "blocked",
            200,
            note=f"{what} answered HTML that calls itself JSON (200): the marketplace shows us a challenge; slow down, "
            "do not evade it.",
        )
    try:
        decode_json(JSON, body)
    except UNREADABLE as error:
        return Reply("passing", 200, note=f"{what} answered {len(body)} bytes that are no whole JSON ({error}).")
    return Reply("received", 200, body)


def answer_of(external_id: str, reply: Reply) -> Answer:
    """A reply about an event's listings as the `Answer` that is stored."""
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


def body_of(reply: Reply) -> bytes:
    """The body of a reply. Raises Missing, Blocked or Unreachable if it has none."""
    if reply.body is not None:
        return reply.body
    raise _ERRORS[_STATUS[reply.kind]](reply.note or "The marketplace did not answer.")


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
