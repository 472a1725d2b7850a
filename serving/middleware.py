"""The middleware of every request: bounds its size, checks the API key and its limits, and counts the request.

It is plain ASGI, for speed, and runs before the routes, so that no method and no path can bypass it.
"""

import hashlib
import logging
import re
import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.limits.turns import Turn
from serving.requests.addresses import address_of
from serving.requests.bodies import MOST_BODY_BYTES, read_ahead
from serving.requests.sessions import session_in
from serving.responses.problems import Problem, of_database

log = logging.getLogger(__name__)

GUARDED = "/api/"
SELLING = "/api/box-office/"
"""Where people buy: with a session, or without anything."""

SEATS_FILE = re.compile(r"/api/box-office/promoter/events/\d+/seats")
MOST_FILE_BYTES = 8_000_000  # 80,000 seats have two
MOST_URL_BYTES = 8_192
MOST_HEADER_BYTES = 32_768


class ServiceMiddleware:
    """The ASGI application in front of the routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit a request and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        state = scope["app"].state
        status, seconds, ended, more = 500, 0.0, False, {"x-content-type-options": "nosniff"}
        turn: Turn | None = None
        client: str | bytes = address_of(scope)
        head = scope["method"] == "HEAD"
        if head:
            scope = {**scope, "method": "GET"}

        async def answer(message: Message) -> None:
            nonlocal status, seconds, ended
            if message["type"] == "http.response.start":
                # measured until the response begins: the rest depends on the client, and a stream has no end
                status, seconds = message["status"], time.perf_counter() - started
                if turn:
                    turn.end()
                headers = MutableHeaders(scope=message)
                for name, value in more.items():
                    headers[name] = value
            elif head:
                if ended:
                    return
                ended, message = True, {"type": "http.response.body"}
            await send(message)

        try:
            headers = Headers(scope=scope)
            selling = scope["path"].startswith(SELLING)
            if _has_body(headers) and not selling:
                more["connection"] = "close"  # so that nobody reads the rest of it
            _check_size(scope, headers)
            if selling:
                client, turn = await _admit_buyer(scope, headers, str(client))
                if _has_body(headers) and not SEATS_FILE.fullmatch(scope["path"]):
                    receive = await read_ahead(receive)
            elif scope["path"].startswith(GUARDED):
                key_sha256 = _key_of(headers)
                lease = await state.limits.admit(key_sha256, client)
                client = key_sha256
                more |= lease.headers()
                turn = await state.turns.take(key_sha256)
                scope.setdefault("state", {})["key_sha256"] = key_sha256
            else:
                await state.keyless.pause(client)
            await self._app(scope, receive, answer)
        except Exception as error:
            problem = error if isinstance(error, Problem) else of_database(error)
            if seconds:  # a response that has begun cannot be replaced
                raise
            if problem is None:
                log.exception("%s %s failed.", scope["method"], _route_of(scope))  # a path may name a ticket
                problem = Problem(500, "The service failed. Its log says why.")
            if problem.status in (401, 429):
                await state.refusals.pause(client)
            await problem.response()(scope, receive, answer)
        finally:
            if turn:
                turn.end()
            state.minutes.count(_route_of(scope), status, seconds or time.perf_counter() - started)
            event_id = scope.get("state", {}).get("event_id")
            if event_id:
                state.minutes.count_view(event_id)


async def _admit_buyer(scope: Scope, headers: Headers, address: str) -> tuple[str | bytes, Turn]:
    """Who asks, and a turn for it: of its session if it is known here, otherwise of its address."""
    state = scope["app"].state
    session = session_in(scope, headers)
    scope.setdefault("state", {})["session_sha256"] = session
    if session and session in state.sessions:
        await state.keyless.pause(session)
        return session, await state.turns.take(session)
    await state.keyless.pause(address)
    turn: Turn = await state.address_turns.take(address.encode())
    if session is None:
        return address, turn
    try:
        known = await state.desk.knows(session)
    except BaseException:
        turn.end()
        raise
    if not known:
        return address, turn
    turn.end()  # other people may be behind the same address, and each has turns of their own
    return session, await state.turns.take(session)


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _check_size(scope: Scope, headers: Headers) -> None:
    """Raise Problem 413, 414 or 431 for a request that is larger than any of ours, before anything is read or asked."""
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MOST_URL_BYTES:
        raise Problem(414, f"The URL has more than {MOST_URL_BYTES} bytes.")
    if sum(len(name) + len(value) for name, value in headers.raw) > MOST_HEADER_BYTES:
        raise Problem(431, f"The headers have more than {MOST_HEADER_BYTES} bytes.")
    length = headers.get("content-length", "0")
    most = MOST_FILE_BYTES if SEATS_FILE.fullmatch(scope["path"]) else MOST_BODY_BYTES
    if not length.isdigit() or int(length) > most:
        raise Problem(413, f"The body has more than {most} bytes.", headers={"connection": "close"})


def _key_of(headers: Headers) -> bytes:
    """The SHA-256 of the key in X-API-Key or in Authorization: Bearer. Raises Problem 401 if there is none."""
    key = headers.get("x-api-key")
    if not key:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = token.strip() if scheme.lower() == "bearer" else ""
    if not key:
        raise Problem(
            401, "The API key is missing. Send it in the header X-API-Key. `tickettape keys create` makes one."
        )
    return hashlib.sha256(key.encode()).digest()


def _route_of(scope: dict[str, Any] | Scope) -> str:
    """The route's path with the names of its parameters, not their values: so there are few, whatever the events."""
    route = scope.get("route")
    return str(getattr(route, "path", "other"))
