"""What the trials stand on. They take an hour, so only `make test-long` collects them."""

from collections.abc import Iterator

import pytest

from tests.chaos.program import Program, running, told
from tests.support import oracle
from tests.support.own_server import OwnServer, own_server
from tests.support.processes import empty_home
from tests.support.profiles import LONG

collect_ignore_glob = [] if LONG else ["test_*.py"]

CONNECTIONS = 60  # what a program with its runs needs, and few enough to be used up


@pytest.fixture(scope="module")
def server(server_url: str) -> Iterator[OwnServer]:
    """A server for the faults of a module; the test run's own stays well."""
    with own_server(CONNECTIONS) as made:
        yield made


@pytest.fixture(scope="module")
def program(server: OwnServer) -> Iterator[Program]:
    """A program that meets one fault after the other."""
    with empty_home() as home, told() as inbox, running(home, inbox, server.url) as started:
        yield started


@pytest.fixture(autouse=True)
def _oracle(database_url: str) -> None:
    """The oracle's queries, compiled on the test's own database before any fault."""
    oracle.queries()
