"""Every test here has a database with empty rollups, and the recorded refresh to fill them."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support import oracle
from tests.support.databases import fresh_database, use_database
from tests.support.recorded_refresh import Refresh, record
from tickettape.database import Connection, Warehouse

_recorded: list[Refresh] = []


@pytest.fixture(scope="session")
def template(server_url: str, template: str) -> str:
    """The rollups, built empty by dbt once; its next refresh, recorded; the oracle, compiled."""
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        use_database(patch, url)
        refresh = record()
        oracle.queries()
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(
                f"create database template_rollups template {psycopg.conninfo.conninfo_to_dict(url)['dbname']}"
            )
    _recorded.append(refresh)
    return "template_rollups"


@pytest.fixture
def refresh(template: str) -> Refresh:
    """One incremental refresh of each rollup, as dbt runs it."""
    return _recorded[0]


@pytest.fixture
def second(warehouse: Warehouse) -> Iterator[Connection]:
    """A second connection to the test's database, in autocommit."""
    with warehouse.connection() as other:
        yield other
