"""One served box office for all of its tests: each makes events and buyers of its own."""

from collections.abc import Iterator

import psycopg
import pytest

from serving import app
from tests.support.box_office import BoxOffice
from tests.support.databases import fresh_database
from tests.support.served_box_office import Shop, shopping
from tests.support.served_market import serving
from tickettape.box_office import grant_roles
from tickettape.settings import Settings


@pytest.fixture(scope="package")
def box_office_url(server_url: str, migrated_template: str) -> Iterator[str]:
    """A database with the roles of the box office."""
    with fresh_database(server_url, migrated_template) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            grant_roles(connection)
        yield url


@pytest.fixture(scope="package")
def served(box_office_url: str) -> Iterator[str]:
    """Its service."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "REFUSALS_PER_SECOND", 1_000)  # a test may be refused as often as it likes
        with serving(box_office_url, Settings(logins_per_minute=1_000)) as url:
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


@pytest.fixture
def shop(office: BoxOffice, served: str) -> Iterator[Shop]:
    with shopping(office, served) as made:
        yield made
