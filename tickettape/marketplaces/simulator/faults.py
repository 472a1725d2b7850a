"""Failures on the way to a marketplace, caused on purpose: every row of the wire format's failure table.

An application in front of another one causes them at chosen rates, reproducibly. It changes only answers of
`/listings`, never the market behind them. It also chooses how slow the answers are.
"""

import asyncio
import random
import re
import socket
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tickettape.marketplaces.simulator.app import HEADERS

FOR_EVER_SECONDS = 3600.0  # longer than any client waits
DRIP_SECONDS = 0.2  # between two bytes: never silent for long enough to be a read time-out
RETRY_AFTER_SECONDS = 1  # less as a date, because headers have no fractions of a second

Latency = Callable[[random.Random], float]


class Fault(StrEnum):
    """One kind of failure. `CAPTURED_AS` has the status of an event that meets no other."""

    UNKNOWN = "404"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    TOO_FAST = "429, Retry-After in seconds"
    TOO_FAST_UNTIL = "429, Retry-After as a date"
    BROKEN = "503"
    SILENT = "never answers"
    RESET = "connection reset"
    HALF = "half an answer"
    DRIP = "byte by byte, for ever"
    CHALLENGE = "HTML"
    NOTHING = "no global"
    NO_TICKETS = "no tickets, though sections have some"
    CUT = "fewer tickets than it says"
    MIXED_UP = "another production's"
    NEW_FIELD = "a field that is new"
    CHANGED_TYPE = "a field of another type"
    MISSING_FIELD = "a field that is gone"
    HTML_AS_JSON = "HTML that calls itself JSON"
    CUT_OFF = "half an answer, with a length that fits"
    UNDECODABLE = "an encoding that nobody asked for"
    WORTHLESS = "a listing at 0.00"
    HALF_CHARACTER = "a listing with half a character"
    NEW_MAP = "new ids for all zones and sections"


CAPTURED_AS: dict[Fault, str] = {
    Fault.UNKNOWN: "missing",
    Fault.UNAUTHORIZED: "blocked",
    Fault.FORBIDDEN: "blocked",
    Fault.TOO_FAST: "failed",
    Fault.TOO_FAST_UNTIL: "failed",
    Fault.BROKEN: "failed",
    Fault.SILENT: "failed",
    Fault.RESET: "failed",
    Fault.HALF: "failed",
    Fault.DRIP: "failed",
    Fault.CHALLENGE: "blocked",
    Fault.NOTHING: "missing",
    Fault.NO_TICKETS: "partial",
    Fault.CUT: "partial",
    Fault.MIXED_UP: "rejected",
    Fault.NEW_FIELD: "ok",
    Fault.CHANGED_TYPE: "rejected",
    Fault.MISSING_FIELD: "rejected",
    Fault.HTML_AS_JSON: "blocked",
    Fault.CUT_OFF: "failed",
    Fault.UNDECODABLE: "failed",
    Fault.WORTHLESS: "ok",
    Fault.HALF_CHARACTER: "ok",
    Fault.NEW_MAP: "ok",
}

PARTS: dict[str, tuple[Fault, ...]] = {
    "network": (
        Fault.UNKNOWN, Fault.UNAUTHORIZED, Fault.FORBIDDEN, Fault.TOO_FAST, Fault.TOO_FAST_UNTIL, Fault.BROKEN,
        Fault.SILENT, Fault.RESET, Fault.HALF, Fault.DRIP, Fault.CHALLENGE,
    ),
    "answers": (
        Fault.NOTHING, Fault.NO_TICKETS, Fault.CUT, Fault.MIXED_UP, Fault.NEW_FIELD, Fault.CHANGED_TYPE,
        Fault.MISSING_FIELD,
    ),
    "bodies": (Fault.HTML_AS_JSON, Fault.CUT_OFF, Fault.UNDECODABLE),
    "listings": (Fault.WORTHLESS, Fault.HALF_CHARACTER),
    "maps": (Fault.NEW_MAP,),
}  # fmt: skip
"""The faults in groups, so that some of them can be chosen."""

PASSING = {fault for fault, status in CAPTURED_AS.items() if status == "failed"}
"""Faults after which the request is repeated within the event's deadline, and may then be answered."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of `/listings`: when it arrived (monotonic time), and the fault that it met."""

    at: float
    production_id: str
    fault: StrEnum | None


def evenly(least_seconds: float, most_seconds: float) -> Latency:
    """A latency that is distributed evenly between two values."""
    return lambda draw: draw.uniform(least_seconds, most_seconds)


def long_tailed(median_seconds: float, spread: float = 0.5) -> Latency:
    """Log-normal: most answers near the median, a few far slower, as real ones are."""
    return lambda draw: median_seconds * draw.lognormvariate(0.0, spread)


class Faulty:
    """`app` with faults: each request meets each fault of `rates` (a share of the requests) at random.

    `rates` may be changed while it serves. `asked` has every request of `/listings`. `changes` are those of the
    format; by default, those of Vivid Seats.
    """

    def __init__(
        self,
        app: ASGIApp,
        rates: Mapping[Any, float] | None = None,
        *,
        latency: Latency | None = None,
        seed: int = 1,
        changes: Mapping[Any, Callable[[Any], Any]] | None = None,
    ) -> None:
        self.app, self.rates, self.latency = app, dict(rates or {}), latency
        self._changes: Mapping[Any, Callable[[Any], Any]] = _CHANGES if changes is None else changes
        self.asked: list[Asked] = []
        self._seed = seed
        self._times: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or not scope["path"].endswith("/listings"):
            await self.app(scope, receive, send)
            return
        asked = parse_qs(scope["query_string"].decode())
        production_id = (asked.get("productionId") or asked.get("event_id") or [""])[0]
        self._times[production_id] += 1
        draw = random.Random(f"{self._seed} {production_id} {self._times[production_id]}")  # noqa: S311 - no secret
        fault = _drawn(self.rates, draw)
        self.asked.append(Asked(time.monotonic(), production_id, fault))
        if self.latency is not None:
            await asyncio.sleep(self.latency(draw))
        if fault is None:
            await self.app(scope, receive, send)
        elif fault in self._changes:
            body = self._changes[fault](msgspec.json.decode(await _body_of(self.app, scope, receive)))
            await _json(body)(scope, receive, send)
        elif fault in _BODIES:
            await _BODIES[Fault(fault)](await _body_of(self.app, scope, receive))(scope, receive, send)
        elif fault is Fault.HALF:
            body = await _body_of(self.app, scope, receive)
            await _half(body, send)
        elif fault is Fault.RESET:
            _reset(send)
        else:
            await _refusal(fault)(scope, receive, send)


def _drawn(rates: Mapping[Any, float], draw: random.Random) -> Any:
    point = draw.random()
    for fault, rate in rates.items():
        point -= rate
        if point < 0:
            return fault
    return None


def _refusal(fault: StrEnum) -> Response | ASGIApp:
    match fault:
        case Fault.SILENT:
            return _silence
        case Fault.DRIP:
            return StreamingResponse(_drip(), media_type="application/json", headers=HEADERS)
        case Fault.CHALLENGE:
            return Response("<html>Are you human?</html>", media_type="text/html", headers=HEADERS)
        case Fault.TOO_FAST:
            return _error(429, {"retry-after": str(RETRY_AFTER_SECONDS)})
        case Fault.TOO_FAST_UNTIL:
            at = datetime.now(UTC) + timedelta(seconds=RETRY_AFTER_SECONDS)
            return _error(429, {"retry-after": format_datetime(at, usegmt=True)})
        case _:
            return _error(int(fault.value))


def _error(status: int, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": f"{status}, on purpose"}, status, {**HEADERS, **(headers or {})})


def _json(answer: Any) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json", headers=HEADERS)


async def _silence(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()  # the request's end, then nothing until the client leaves
    message: Message = {"type": ""}
    async with asyncio.timeout(FOR_EVER_SECONDS):
        while message["type"] != "http.disconnect":
            message = await receive()


async def _drip() -> AsyncIterator[bytes]:
    for _ in range(int(FOR_EVER_SECONDS / DRIP_SECONDS)):
        yield b" "
        await asyncio.sleep(DRIP_SECONDS)


async def _half(body: bytes, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    _reset(send)


def _reset(send: Send) -> None:
    """End the connection as a crashed server does: by RST, which only the transport below ASGI can send."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("on purpose")  # in-process there is no connection
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _body_of(app: ASGIApp, scope: Scope, receive: Receive) -> bytes:
    parts: list[bytes] = []

    async def keep(message: Message) -> None:
        parts.append(message.get("body", b""))

    await app(scope, receive, keep)
    return b"".join(parts)


def _no_global(answer: Any) -> Any:
    return answer | {"global": []} if "global" in answer else answer


def _with_tickets(share: float) -> Callable[[Any], Any]:
    def cut(answer: Any) -> Any:
        tickets = answer["tickets"]
        return answer | {"tickets": tickets[: int(len(tickets) * share)]}

    return cut


def _total(name: str, value: Callable[[str], Any]) -> Callable[[Any], Any]:
    def changed(answer: Any) -> Any:
        totals = answer["global"][0]
        return answer | {"global": [totals | {name: value(totals.get(name, ""))}]}

    return changed


def _without_sections(answer: Any) -> Any:
    return {name: value for name, value in answer.items() if name != "sections"}


def _worthless(answer: Any) -> Any:
    """Price one listing at 0.00, in a section that has another one, so that nothing looks sold out without it."""
    places = Counter(ticket["d"] for ticket in answer["tickets"])
    bad = next((ticket["i"] for ticket in answer["tickets"] if places[ticket["d"]] > 1), None)
    tickets = [ticket | {"p": "0.00"} if ticket["i"] == bad else ticket for ticket in answer["tickets"]]
    return answer | {"tickets": tickets}


def _renumbered(answer: Any) -> Any:
    return answer | {
        "groups": [one | {"i": f"new {one['i']}"} for one in answer["groups"]],
        "sections": [one | {"i": f"new {one['i']}", "g": f"new {one['g']}"} for one in answer["sections"]],
        "tickets": [one | {"c": f"new {one['c']}", "d": f"new {one['d']}"} for one in answer["tickets"]],
    }


def _as_json(body: bytes, **headers: str) -> Response:
    return Response(body, media_type="application/json", headers=HEADERS | headers)


_BODIES: dict[Fault, Callable[[bytes], Response]] = {
    Fault.HTML_AS_JSON: lambda _: _as_json(b"<html>Are you human?</html>"),
    Fault.CUT_OFF: lambda body: _as_json(body[: len(body) // 2]),
    Fault.UNDECODABLE: lambda body: _as_json(body[::-1], **{"content-encoding": "br"}),
    Fault.HALF_CHARACTER: lambda body: _as_json(re.sub(rb'"r": ?"', rb"\g<0>\\ud83d", body, count=1)),
}

_CHANGES: dict[Fault, Callable[[Any], Any]] = {
    Fault.NOTHING: _no_global,
    Fault.NO_TICKETS: _with_tickets(0.0),
    Fault.CUT: _with_tickets(0.6),
    Fault.MIXED_UP: _total("productionId", lambda own: str(int(own) + 1)),
    Fault.NEW_FIELD: _total("mood", lambda _: "calm"),
    Fault.CHANGED_TYPE: _total("ticketCount", lambda own: {"value": own}),
    Fault.MISSING_FIELD: _without_sections,
    Fault.WORTHLESS: _worthless,
    Fault.NEW_MAP: _renumbered,
}
