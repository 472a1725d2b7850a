"""The latest prices of events for open streams. All streams of one key and one event share a feed.

One connection per process listens for notifications on behalf of all feeds. After a notification, a feed asks for the
version of its event, with its own key, and reads the prices if the version is new. Without a notification it only asks
for the version, every ALIVE_SECONDS: this ends the streams of a key that was revoked or may no longer see the event.
"""

import asyncio
import contextlib
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

import psycopg

from serving.database import Database
from serving.responses.problems import Problem, of_database
from serving.responses.versions import version_of
from tickettape.database import CONNECT_TIMEOUT_SECONDS

CHANNEL = "tickettape_prices"
ALIVE_SECONDS = 15
MOST_STREAMS = 500  # per process; each costs a socket and some kilobytes
QUESTIONS_AT_ONCE = 2  # of all feeds: after a tick they all ask, and must leave connections to others
RECONNECT_SECONDS = 2

log = logging.getLogger(__name__)


class PriceFeed:
    """What the streams of one key and one event send: the newest prices, or the problem that ended the feed."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.version: str | None = None  # None until the prices have been read
        self.rows = ""  # the latest prices, as a JSON array
        self.problem: Problem | None = None
        self.readers = 0
        self._news = asyncio.Event()

    @property
    def news(self) -> asyncio.Event:
        """Set when the feed changes next. Take it before you read the feed."""
        return self._news

    def publish(self) -> None:
        """Wake all readers."""
        self._news.set()
        self._news = asyncio.Event()


class PriceFeeds:
    """The feeds of one process."""

    def __init__(self, database: Database, key_streams: int) -> None:
        self._database = database
        self._key_streams = key_streams
        self._streams: Counter[bytes] = Counter()
        self._feeds: dict[tuple[bytes, UUID], PriceFeed] = {}
        self._rings: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._questions = asyncio.Semaphore(QUESTIONS_AT_ONCE)

    @contextmanager
    def seat(self, key_sha256: bytes) -> Iterator[None]:
        """A stream of the key, for the block. Raises Problem 429 or 503 if it, or the process, has too many."""
        if self._streams[key_sha256] >= self._key_streams:
            raise Problem(
                429,
                f"This key already has {self._key_streams} open streams. Close one, or read /latest.",
                headers={"retry-after": "60"},
            )
        if self._streams.total() >= MOST_STREAMS:
            raise Problem(
                503,
                f"This server already has {MOST_STREAMS} open streams. Try again later, or read /latest.",
                headers={"retry-after": "60"},
            )
        self._streams[key_sha256] += 1
        try:
            yield
        finally:
            self._streams[key_sha256] -= 1
            if not self._streams[key_sha256]:
                del self._streams[key_sha256]

    @asynccontextmanager
    async def of(self, key_sha256: bytes, event_id: UUID) -> AsyncIterator[PriceFeed]:
        """The feed of a key and an event, which runs as long as anybody reads it."""
        place = key_sha256, event_id
        feed = self._feeds.get(place)
        if feed is None:
            feed = self._feeds[place] = PriceFeed()
            feed.task = asyncio.create_task(self._run(feed, key_sha256, event_id))
        feed.readers += 1
        try:
            yield feed
        finally:
            feed.readers -= 1
            if not feed.readers:
                if feed.task:
                    feed.task.cancel()
                if self._feeds.get(place) is feed:
                    del self._feeds[place]

    async def _run(self, feed: PriceFeed, key_sha256: bytes, event_id: UUID) -> None:
        ring = asyncio.Event()
        self._rings[event_id].add(ring)
        try:
            while True:
                ring.clear()
                async with self._questions:
                    await self._read(feed, key_sha256, event_id)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ring.wait(), ALIVE_SECONDS)
        except Exception as error:
            problem = error if isinstance(error, Problem) else of_database(error)
            if problem is None:
                log.exception("A stream failed.")
            feed.problem = problem or Problem(500, "The stream failed. The service's log says why.")
            self._feeds.pop((key_sha256, event_id), None)  # the next stream tries again
            feed.publish()
        finally:
            self._rings[event_id].discard(ring)
            if not self._rings[event_id]:
                del self._rings[event_id]

    async def _read(self, feed: PriceFeed, key_sha256: bytes, event_id: UUID) -> None:
        version = await version_of(self._database, key_sha256, event_id)
        if version == feed.version and version is not None:
            return
        cursor = await self._database.ask(
            key_sha256,
            """select api.data_version(%(event_id)s::uuid), coalesce(json_agg(latest)::text, '[]')
               from api.latest_prices(%(event_id)s::uuid) as latest""",
            {"event_id": event_id},
        )
        version, rows = await cursor.fetchone() or (None, "[]")
        if version is None:  # the event was taken off the tenant's watch-list meanwhile
            raise Problem(404, "The key may no longer see this event.")
        feed.version, feed.rows = version, rows.replace("\n", "")
        feed.publish()

    async def listen(self, url: str) -> None:
        """Wake feeds at each notification, until cancelled. After a lost connection it reconnects and wakes all."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    url,
                    autocommit=True,
                    connect_timeout=CONNECT_TIMEOUT_SECONDS,
                    application_name="tickettape-stream",
                ) as connection:
                    await connection.execute(f"listen {CHANNEL}")
                    self._ring(*self._rings)
                    async for note in connection.notifies():
                        self._ring(UUID(note.payload))
            except psycopg.OperationalError as error:
                log.warning(
                    "The stream lost its database connection (%s). It connects again in %d s.", error, RECONNECT_SECONDS
                )
            await asyncio.sleep(RECONNECT_SECONDS)

    def _ring(self, *event_ids: UUID) -> None:
        for event_id in event_ids:
            for ring in self._rings.get(event_id, ()):
                ring.set()
