"""Questions to the database, each in a transaction of its own as the reader on behalf of one key.

One round trip: `enter` names the tenant and refuses a revoked key, the role is set, the question follows. Both
settings end with the transaction, so a pooled connection carries nothing over to the next request.
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncClientCursor
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from tickettape.api_schema import SLOW_SECONDS
from tickettape.database import CONNECT_TIMEOUT_SECONDS, KEEPALIVES, refusal_of
from tickettape.settings import Settings

POOL_SIZE = 8  # a process is busy before its connections are: 2 cores answered no faster with 16
WAIT_SECONDS = 5
RENEW_SECONDS = 1.0  # between two renewals of all connections: each costs the server a process per connection

log = logging.getLogger(__name__)

# A text with several statements and no BEGIN is one transaction, rolled back by an error without another trip.
_AS_THE_READER = "select access.enter(%(key_sha256)s); set local role tickettape_reader; "


class Database:
    """A pool of connections to the warehouse."""

    def __init__(
        self,
        pool: "AsyncConnectionPool[psycopg.AsyncConnection[Any]]",
        count_slow: Callable[[], None],
        refused: "Callable[[], psycopg.Error | None]",
    ) -> None:
        self._pool = pool
        self._count_slow = count_slow
        self._refused = refused
        self._drained_at = -RENEW_SECONDS

    async def ask(
        self, key_sha256: bytes, question: LiteralString, values: Mapping[str, Any]
    ) -> "AsyncClientCursor[Any]":
        """The answer to one SELECT for the key's tenant, as a cursor that holds all of its rows.

        Raises psycopg.Error, with sqlstate PT401 for a key that is unknown or revoked.
        """
        async with self._connection() as connection:
            cursor = AsyncClientCursor(connection)
            started = monotonic()
            try:
                await cursor.execute(_AS_THE_READER + question, {**values, "key_sha256": key_sha256})
            finally:
                seconds = monotonic() - started
                if seconds > SLOW_SECONDS:
                    self._count_slow()
                    log.warning("A statement took %.1f s: %s", seconds, " ".join(question.split())[:500])
            while cursor.nextset():
                pass
            return cursor

    async def run(self, statement: LiteralString, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a statement of the service's own, which may write."""
        async with self._connection() as connection:
            cursor = AsyncClientCursor(connection)
            await cursor.execute("set transaction read write; " + statement, values)
            while cursor.nextset():
                pass
            return await cursor.fetchall() if cursor.description else []

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[psycopg.AsyncConnection[Any]]":
        """A connection of the pool. What the server refuses altogether ends all of them: their successors may lead to
        another server, or to one that is well again.

        Raises psycopg.Error; PoolTimeout where all connections are busy, and not where none could be made.
        """
        try:
            async with self._pool.connection() as connection:
                yield connection
        except PoolTimeout as error:
            refused = self._refused()
            if refused is None:
                raise
            raise refused from error
        except psycopg.Error as error:
            refusal = refusal_of(error)
            if refusal and monotonic() - self._drained_at > RENEW_SECONDS:
                self._drained_at = monotonic()
                log.warning("%s", " ".join(str(refusal).splitlines()))
                await self._pool.drain()
            raise


@asynccontextmanager
async def open_database(url: str, settings: Settings, count_slow: Callable[[], None]) -> AsyncIterator[Database]:
    """A pool for the block."""

    async def configure(connection: "psycopg.AsyncConnection[Any]") -> None:
        await connection.set_autocommit(True)

    options = {
        "timezone": "UTC",
        "default_transaction_read_only": "on",
        "statement_timeout": f"{settings.statement_seconds:g}s",
        "lock_timeout": f"{settings.statement_seconds:g}s",
        "tickettape.row_cap": str(settings.row_cap),
        "synchronous_commit": "off",  # what the service writes are counts: a crash may lose the last second's
        # planned once a connection: choosing anew for each question took as long as answering it
        "plan_cache_mode": "force_generic_plan",
        "jit": "off",  # compiling costs more than any of these questions
    }
    refused: psycopg.Error | None = None

    class Noted(psycopg.AsyncConnection[Any]):
        """A connection; why the newest could not be made is kept, since the pool only says that it waited."""

        @classmethod
        async def connect(cls, *arguments: Any, **options: Any) -> Any:
            nonlocal refused
            try:
                made = await super().connect(*arguments, **options)
            except psycopg.Error as error:
                refused = error
                raise
            refused = None
            return made

    pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]] = AsyncConnectionPool(
        url,
        connection_class=Noted,
        reconnect_timeout=WAIT_SECONDS,  # then the next question tries anew; the pool's pauses grow to minutes
        min_size=1,
        max_size=POOL_SIZE,
        timeout=WAIT_SECONDS,
        open=False,
        configure=configure,
        kwargs={
            "application_name": "tickettape-serving",
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            **KEEPALIVES,
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        },
    )
    async with pool:
        yield Database(pool, count_slow, lambda: refused)
