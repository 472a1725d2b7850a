"""The middleware of every request: checks the API key and its rate limit, and counts the request.

It is plain ASGI, for speed, and runs before the routes, so that no method and no path can bypass it.
"""

import hashlib
import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import Problem, of_database

GUARDED = "/api/"


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
        status, seconds, more = 500, 0.0, {"x-content-type-options": "nosniff"}

        async def answer(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                # measured until the response begins: the rest depends on the client, and a stream has no end
                status, seconds = message["status"], time.perf_counter() - started
                headers = MutableHeaders(scope=message)
                for name, value in more.items():
                    headers[name] = value
            await send(message)

        try:
            if scope["path"].startswith(GUARDED):
                key_sha256 = _key_of(Headers(scope=scope))
                lease = await state.limits.admit(key_sha256)
                more |= lease.headers()
                scope.setdefault("state", {})["key_sha256"] = key_sha256
            await self._app(scope, receive, answer)
        except Exception as error:
            problem = error if isinstance(error, Problem) else of_database(error)
            if problem is None or seconds:  # a response that has begun cannot be replaced
                raise
            await problem.response()(scope, receive, answer)
        finally:
            state.minutes.count(_route_of(scope), status, seconds or time.perf_counter() - started)
            event_id = scope.get("state", {}).get("event_id")
            if event_id:
                state.minutes.count_view(event_id)


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
