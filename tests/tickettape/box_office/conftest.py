"""One database for all tests of the box office: each makes events and users of its own."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.box_office import BoxOffice
from tests.support.databases import fresh_database
from tickettape.box_office.access import grant_roles


@pytest.fixture(scope="session")
def box_office_url(server_url: str, template: str) -> Iterator[str]:
    """A database with the roles of the box office."""
    with fresh_database(server_url, template) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            grant_roles(connection)
        yield url


@pytest.fixture
def office(box_office_url: str) -> Iterator[BoxOffice]:
    """The box office, as its owner sees it."""
    with psycopg.connect(
        box_office_url, autocommit=True, options="-c timezone=UTC -c search_path=box_office"
    ) as connection:
        made = BoxOffice(box_office_url, connection)
        made.known_faults.update(made.faults())
        yield made
        made.close()
