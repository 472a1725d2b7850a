"""What every test stands on: a real PostgreSQL, a fresh migrated database for each test.

One embedded server for the whole run, in a temporary folder; a database is copied from a migrated template
in 0.1 s.
"""

import inspect
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from tests.support.scratch import in_memory

if TYPE_CHECKING:
    import dagster as dg

# Settings are read at import: tests never see a developer's .env, server or data.
for name in (
    *("DATABASE_URL", "MARKETPLACE_URL", "MARKETPLACE_SOURCE", "SCRAPER_INTERVAL_MINUTES", "DAGSTER_HOME"),
    *("COLD_STORAGE_URL", "BACKUP_URL"),
):
    os.environ.pop(name, None)
_HOME = tempfile.TemporaryDirectory(prefix="tickettape-tests-", dir=in_memory())
os.environ["TICKETTAPE_HOME"] = _HOME.name
os.environ["DBT_LOG_LEVEL_FILE"] = "none"  # a tenth of a dbt run; what fails is said on its other channels
if memory := in_memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", memory)  # Dagster's SQLite waits for the disk at each event

# A machine under load may take longer than httpx's 5 seconds; what hangs still ends.
_http_timeout: httpx.Timeout = inspect.signature(httpx.get).parameters["timeout"].default
_http_timeout.connect = _http_timeout.read = _http_timeout.write = _http_timeout.pool = 60

pytest_plugins = ["tests.support.no_skips", "tests.support.plugin"]

from tests.support.databases import fresh_database, use_database  # noqa: E402
from tests.support.loopback_servers import served  # noqa: E402
from tests.support.processes import empty_home  # noqa: E402
from tests.support.receiver import Receiver  # noqa: E402
from tickettape.database import Connection, Warehouse, with_database  # noqa: E402
from tickettape.database.migrations import upgrade_database  # noqa: E402
from tickettape.database.server import EMBEDDED_DATABASE, embedded_url  # noqa: E402


@pytest.fixture(scope="session")
def server_url() -> str:
    """The test run's own PostgreSQL server, at a database of which other databases are made and dropped.

    What it holds is of no use after a power failure, so it syncs nothing.
    """
    embedded = embedded_url(Path(_HOME.name) / "postgres")
    with psycopg.connect(embedded, autocommit=True) as connection:
        connection.execute("create database maintenance")
    url = with_database(embedded, "maintenance")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"drop database {EMBEDDED_DATABASE} with (force)")
        connection.execute("alter system set max_wal_size = '256MB'")
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"alter system set {setting} = off")
        connection.execute("select pg_reload_conf()")
    return url


@pytest.fixture(scope="session")
def migrated_template(server_url: str) -> str:
    """The name of a migrated database, to copy."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database template_market")
    upgrade_database(with_database(server_url, "template_market"))
    return "template_market"


@pytest.fixture(scope="session")
def template(migrated_template: str) -> str:
    """What the databases of this folder's tests are copies of."""
    return migrated_template


@pytest.fixture
def database_url(server_url: str, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A migrated database of this test's own, which the program uses as if it were DATABASE_URL's."""
    with fresh_database(server_url, template) as url:
        use_database(monkeypatch, url)
        yield url


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty TICKETTAPE_HOME for real processes."""
    with empty_home() as folder:
        yield folder


@pytest.fixture
def warehouse(database_url: str) -> Warehouse:
    """The program's way to the test's database."""
    return Warehouse()


@pytest.fixture
def connection(warehouse: Warehouse) -> Iterator[Connection]:
    """A connection to the test's database, in autocommit."""
    with warehouse.connection() as open_connection:
        yield open_connection


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Who is told of incidents; its URL holds a secret."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    inbox = Receiver()
    with served(inbox) as url:
        inbox.url = url.replace("http://", "json://") + "/a-secret-token"
        yield inbox


@pytest.fixture
def instance() -> Iterator["dg.DagsterInstance"]:
    """Dagster's own storage, in memory."""
    from dagster import DagsterInstance  # here: it takes seconds, and most tests need none

    with DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral
