"""Server-sent events: new latest prices of an event as soon as a tick has stored them.

One connection per process listens for notifications on behalf of all clients. After a notification, the prices of each
client are queried for its own tenant. Without one, the same query runs every ALIVE_SECONDS. If nothing has changed, the
client gets a comment, which shows proxies and both ends that the stream is alive.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import UUID

import orjson
import psycopg
from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from serving import answers, openapi
from serving.database import Database
from serving.problems import Problem, of_database
from serving.query_parameters import EventIdInPath, NoParameters
from serving.versions import version_of
from tickettape.database import CONNECT_TIMEOUT_SECONDS

router = APIRouter(prefix="/api/events", tags=["events"])

CHANNEL = "tickettape_prices"
ALIVE_SECONDS = 15
MOST_STREAMS = 500  # per process; each costs a socket and some kilobytes
RECONNECT_SECONDS = 2

log = logging.getLogger(__name__)


class PriceBell:
    """Wakes the streams of an event when its latest prices may be new."""

    def __init__(self) -> None:
        self._waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self.streams = 0

    @contextmanager
    def of(self, event_id: UUID) -> Iterator[asyncio.Event]:
        """An asyncio.Event, set whenever the event's prices may be new. Whoever waits for it clears it."""
        ring = asyncio.Event()
        self._waiting[event_id].add(ring)
        self.streams += 1
        try:
            yield ring
        finally:
            self.streams -= 1
            self._waiting[event_id].discard(ring)
            if not self._waiting[event_id]:
                del self._waiting[event_id]

    async def listen(self, url: str) -> None:
        """Wake streams at each notification, until cancelled. After a lost connection it reconnects and wakes all."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    url,
                    autocommit=True,
                    connect_timeout=CONNECT_TIMEOUT_SECONDS,
                    application_name="tickettape-stream",
                ) as connection:
                    await connection.execute(f"listen {CHANNEL}")
                    self._ring(*self._waiting)
                    async for note in connection.notifies():
                        self._ring(UUID(note.payload))
            except psycopg.OperationalError as error:
                log.warning(
                    "The stream lost its database connection (%s). It connects again in %d s.", error, RECONNECT_SECONDS
                )
            await asyncio.sleep(RECONNECT_SECONDS)

    def _ring(self, *event_ids: UUID) -> None:
        for event_id in event_ids:
            for ring in self._waiting.get(event_id, ()):
                ring.set()


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


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
    bell: PriceBell = request.app.state.bell
    key: bytes = request.state.key_sha256
    if await version_of(database, key, event_id) is None:
        raise Problem(404, f"There is no event {event_id}. GET /api/events lists the events that your key may see.")
    if bell.streams >= MOST_STREAMS:
        raise Problem(
            503,
            f"This server already has {MOST_STREAMS} open streams. Try again later, or read /latest.",
            headers={"retry-after": "60"},
        )
    request.state.event_id = event_id
    known = request.headers.get("last-event-id")
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return EventStream(_news(database, bell, key, event_id, known), 200, headers)


async def _news(
    database: Database, bell: PriceBell, key: bytes, event_id: UUID, known: str | None
) -> AsyncIterator[bytes]:
    with bell.of(event_id) as ring:
        while True:
            ring.clear()
            try:
                cursor = await database.ask(
                    key,
                    """select api.data_version(%(event_id)s::uuid), coalesce(json_agg(latest)::text, '[]')
                       from api.latest_prices(%(event_id)s::uuid) as latest""",
                    {"event_id": event_id},
                )
            except Exception as error:
                problem = of_database(error)
                if problem is None:
                    raise
                yield _message("problem", {"status": problem.status, "detail": problem.detail})
                return
            version, rows = await cursor.fetchone() or (None, "[]")
            if version is None:  # the event was taken off the tenant's watch-list meanwhile
                yield _message("problem", {"status": 404, "detail": "The key may no longer see this event."})
                return
            if version != known:
                known = version
                data = orjson.dumps({"event_id": event_id})[:-1] + b',"data":' + rows.replace("\n", "").encode() + b"}"
                yield b"event: latest\nid: " + version.encode() + b"\ndata: " + data + b"\n\n"
            else:
                yield b": alive\n\n"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ring.wait(), ALIVE_SECONDS)


def _message(kind: str, data: Any) -> bytes:
    return f"event: {kind}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"
