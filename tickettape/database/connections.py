"""Connections to the warehouse: UTC, with time-outs, a new one for each use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tickettape.database.errors import UnavailableDatabaseError
from tickettape.database.server import SESSION_MODE, database_url
from tickettape.database.time_outs import CONNECT_TIMEOUT_SECONDS, KEEPALIVES, LONGEST_STATEMENT

Connection = psycopg.Connection[tuple[Any, ...]]

NOTIFY_SECONDS = 5  # a notification takes milliseconds if it comes through at all


def connect(*, application_name: str = "tickettape", url: str | None = None) -> Connection:
    """A connection to the warehouse: in UTC, with time-outs, and with keep-alives that notice a lost server."""
    return psycopg.connect(
        url or database_url(),
        application_name=application_name,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        options=f"-c timezone=UTC -c statement_timeout={LONGEST_STATEMENT} -c lock_timeout=60s "
        "-c idle_in_transaction_session_timeout=10min",
        **KEEPALIVES,
    )


@dataclass(frozen=True)
class Warehouse:
    """Connections to the warehouse, a new one for each use."""

    connect_to: Callable[[], Connection] = field(default=connect)

    def url(self) -> str:
        """The database's URL, for programs that need one (pg_dump, pg_restore)."""
        return database_url()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection in autocommit mode. Use `with connection.transaction()` for transactions."""
        with self.connect_to() as connection:
            connection.autocommit = True
            yield connection


def check_session_mode(url: str) -> None:
    """Raise UnavailableDatabaseError if a pooler in transaction mode is in between: it loses notifications."""
    with (
        psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS) as listening,
        psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS) as saying,
    ):
        listening.execute("listen tickettape_probe")
        saying.execute("notify tickettape_probe")
        if not list(listening.notifies(timeout=NOTIFY_SECONDS, stop_after=1)):
            raise UnavailableDatabaseError(f"A notification does not come through DATABASE_URL. {SESSION_MODE}")
