"""The simulator over real HTTP, with what a test wants of it: slow answers, changed ones."""

import asyncio
from collections import Counter
from collections.abc import Callable
from math import inf
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tickettape.marketplaces.simulator.app import build_app
from tickettape.marketplaces.simulator.market import Market


class SlowSimulator:
    """Answers each /listings after some seconds; `asked` counts them by production.

    With `at_most`, those after so many wait for the end of the test.
    """

    def __init__(self, seconds: float = 0, events: int = 24, at_most: float = inf) -> None:
        self.app, self.seconds, self.at_most = build_app(Market(events=events)), seconds, at_most
        self.asked: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].endswith("/listings"):
            self.asked.update(productions_asked(scope))
            if self.asked.total() > self.at_most:
                await asyncio.Event().wait()
            await asyncio.sleep(self.seconds)
        await self.app(scope, receive, send)


def answering(replies: dict[str, Any]) -> Callable[[Scope, Receive, Send], Any]:
    """An application that answers each path with a JSON document, and 404 elsewhere. Not marked as simulated.

    A path may end in the production that is asked for: "/listings?productionId=1".
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        document = replies.get("?productionId=".join([scope["path"], *productions_asked(scope)]))
        response = (
            Response(status_code=404)
            if document is None
            else Response(msgspec.json.encode(document), media_type="application/json")
        )
        await response(scope, receive, send)

    return app


def productions_asked(scope: Scope) -> list[str]:
    """The production that a query names, if it names one."""
    return parse_qs(scope["query_string"].decode()).get("productionId", [])
