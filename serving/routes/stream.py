"""Server-sent events: new latest prices of an event as soon as a tick has stored them.

If nothing changes, the client gets a comment every ALIVE_SECONDS, which shows proxies and both ends that the stream is
alive.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from serving import answers, openapi, price_feeds
from serving.database import Database
from serving.price_feeds import PriceFeeds
from serving.requests.query_parameters import EventIdInPath, NoParameters
from serving.responses.problems import no_such_event
from serving.responses.versions import version_of

router = APIRouter(prefix="/api/events", tags=["events"])


class EventStream(StreamingResponse):
    """Server-sent events, with a seat among the streams of a key from the moment the stream is made until it ends."""

    media_type = "text/event-stream"

    def __init__(
        self, content: AsyncIterator[bytes], status_code: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(content, status_code, headers)
        self.seat = contextlib.ExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.seat:
            await super().__call__(scope, receive, send)


@router.get(
    "/{event_id}/stream",
    response_class=EventStream,
    **openapi.streaming(f"/api/events/{answers.EVENT_ID}/stream"),
)
async def stream_latest_prices(
    request: Request, event_id: EventIdInPath, query: Annotated[NoParameters, Query()]
) -> Response:
    """The latest prices now, and again whenever a tick brings new ones (`text/event-stream`). The answer never ends."""
    database: Database = request.app.state.database
    feeds: PriceFeeds = request.app.state.feeds
    key: bytes = request.state.key_sha256
    if await version_of(database, key, event_id) is None:
        raise no_such_event(event_id)
    known = request.headers.get("last-event-id")
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    response = EventStream(_news(feeds, key, event_id, known), 200, headers)
    response.seat.enter_context(feeds.seat(key))
    request.state.event_id = event_id
    return response


async def _news(feeds: PriceFeeds, key: bytes, event_id: UUID, known: str | None) -> AsyncIterator[bytes]:
    async with feeds.of(key, event_id) as feed:
        while True:
            news = feed.news
            if feed.problem:
                yield _message("problem", {"status": feed.problem.status, "detail": feed.problem.detail})
                return
            if feed.version and feed.version != known:
                known = feed.version
                data = orjson.dumps({"event_id": event_id})[:-1] + b',"data":' + feed.rows.encode() + b"}"
                yield b"event: latest\nid: " + known.encode() + b"\ndata: " + data + b"\n\n"
            elif feed.version:
                yield b": alive\n\n"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), price_feeds.ALIVE_SECONDS)


def _message(kind: str, data: Any) -> bytes:
    return f"event: {kind}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"
