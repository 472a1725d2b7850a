"""The service's queries. Each runs in its own transaction, with the reader's role, for the tenant of one API key.

A query is one round trip of three statements: `access.enter` sets the tenant or refuses a revoked key, the role is set,
and the query follows. Both settings end with the transaction, so nothing is carried over to the next request.
"""

import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncClientCursor
from psycopg.types.numeric import FloatLoader
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from tickettape.api_schema import MOST_CHARACTERS, SLOW_SECONDS
from tickettape.database import CONNECT_TIMEOUT_SECONDS, KEEPALIVES, refusal_of
from tickettape.marketplaces import simulated_sources
from tickettape.settings import Settings

POOL_SIZE = 8  # more do not help, because the process is the bottleneck: 2 cores answered no faster with 16
WAIT_SECONDS = 5
ATTEMPTS = 3  # at a statement that meets schema api while it is applied anew
RENEW_SECONDS = 1.0  # between two renewals of all connections: the server starts a process for each connection

CountSlow = Callable[[str, float], None]
"""Told of each statement that took too long, without its values, and of its seconds."""

log = logging.getLogger(__name__)

# Several statements in one text, without BEGIN, are one transaction. An error rolls it back without another round trip.
_AS_THE_READER = "select access.enter(%(key_sha256)s); set local role tickettape_reader; "


class Database:
    """A pool of connections to the warehouse."""

    def __init__(
        self,
        pool: "AsyncConnectionPool[psycopg.AsyncConnection[Any]]",
        count_slow: CountSlow,
        refused: "Callable[[], psycopg.Error | None]",
    ) -> None:
        self._pool = pool
        self._count_slow = count_slow
        self._refused = refused
        self._drained_at = -RENEW_SECONDS

    async def ask(
        self,
        key_sha256: bytes,
        question: LiteralString,
        values: Mapping[str, Any],
        *,
        floats: bool = False,
        writes: bool = False,
    ) -> "AsyncClientCursor[Any]":
        """The answer to one statement for the key's tenant, as a cursor that holds all of its rows.

        `floats`: its numbers as JSON has them, which is a third of the work of a long answer. `writes`: it may write
        what the tenant may.
        Raises psycopg.Error, with sqlstate PT401 for a key that is unknown or revoked.
        """
        begin: LiteralString = "set transaction read write; " if writes else ""
        asked = begin + _AS_THE_READER + question
        return await self.transact(asked, {**values, "key_sha256": key_sha256}, floats=floats)

    async def transact(
        self, statements: LiteralString, values: Mapping[str, Any], *, floats: bool = False
    ) -> "AsyncClientCursor[Any]":
        """Run statements in one transaction and one round trip. Returns a cursor that holds the last one's rows.

        What they name may be replaced while they wait for it, when schema api is applied anew. The server then reports
        an internal error, and nothing is changed, so they are run again.
        """
        for _ in range(ATTEMPTS - 1):
            with suppress(psycopg.errors.InternalError_):
                return await self._transact(statements, values, floats=floats)
        return await self._transact(statements, values, floats=floats)

    async def _transact(
        self, statements: LiteralString, values: Mapping[str, Any], *, floats: bool
    ) -> "AsyncClientCursor[Any]":
        async with self._connection() as connection:
            cursor = AsyncClientCursor(connection)
            if floats:
                cursor.adapters.register_loader("numeric", FloatLoader)
            started = monotonic()
            try:
                await cursor.execute(statements, values)
            finally:
                seconds = monotonic() - started
                if seconds > SLOW_SECONDS:
                    statement = " ".join(statements.split())[:MOST_CHARACTERS]
                    self._count_slow(statement, seconds)
                    log.warning("A statement took %.1f s: %s", seconds, statement)
            while cursor.nextset():
                pass
            return cursor

    async def run(self, statement: LiteralString, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of one of the service's own statements, which may write."""
        async with self._connection() as connection:
            cursor = AsyncClientCursor(connection)
            await cursor.execute("set transaction read write; " + statement, values)
            while cursor.nextset():
                pass
            return await cursor.fetchall() if cursor.description else []

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[psycopg.AsyncConnection[Any]]":
        """A connection of the pool. If the server refuses to work at all, all connections are renewed: new ones may
        lead to another server, or to one that has recovered.

        Raises PoolTimeout if all connections are busy, and psycopg.Error otherwise, also if none could be made.
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
async def open_database(
    url: str,
    settings: Settings,
    count_slow: CountSlow,
    *,
    size: int | None = None,
    more_options: Mapping[str, str] | None = None,
) -> AsyncIterator[Database]:
    """A pool for the block. `more_options` are settings of its sessions beside those that all have."""

    async def configure(connection: "psycopg.AsyncConnection[Any]") -> None:
        await connection.set_autocommit(True)

    options = {
        "timezone": "UTC",
        "default_transaction_read_only": "on",
        "statement_timeout": f"{settings.statement_seconds:g}s",
        "lock_timeout": f"{settings.statement_seconds:g}s",
        "tickettape.row_cap": str(settings.row_cap),
        "tickettape.simulated_sources": _escaped(",".join(simulated_sources(settings))),
        "synchronous_commit": "off",  # the service only writes counts: a crash may lose the last second's
        # one plan per connection: planning each query again took as long as running it
        "plan_cache_mode": "force_generic_plan",
        "jit": "off",  # compiling would cost more than any of these queries
        **(more_options or {}),
    }
    refused: psycopg.Error | None = None

    class Noted(psycopg.AsyncConnection[Any]):
        """A connection. Keeps the error of the last attempt to connect, because the pool only reports a time-out."""

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
        reconnect_timeout=WAIT_SECONDS,  # after that the next query tries again; the pool's own pauses grow to minutes
        min_size=1,
        max_size=size or POOL_SIZE,
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


def _escaped(value: str) -> str:
    """A value as libpq's `options` wants it: a backslash before each blank and backslash."""
    return re.sub(r"([\\\s])", r"\\\1", value)
