"""A small market that is served: two tenants with an event each, a third that sees all, over real HTTP."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from serving import app
from serving import database as serving_database
from tests.support.served_market import Ask, build_served_template, serving
from tickettape.api_schema import create_key
from tickettape.database import Connection


@pytest.fixture(scope="session")
def template(server_url: str, template: str) -> str:
    """The served market, to copy."""
    return build_served_template(server_url, template)


@pytest.fixture
def service(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The service on the test's database, with one connection, which every request uses after another's."""
    monkeypatch.setattr(serving_database, "POOL_SIZE", 1)
    monkeypatch.setattr(app, "REFUSALS_PER_SECOND", 1_000)  # a test may be refused as often as it likes
    with serving(database_url) as url:
        yield url


@pytest.fixture
def ask(service: str, connection: Connection) -> Iterator[Callable[[str], Ask]]:
    """`ask(tenant)` gives a way to GET a path with a new key of the tenant."""
    with httpx.Client(base_url=service, timeout=60) as client:

        def of(tenant: str) -> Ask:
            key = create_key(connection, tenant)

            def get(path: str, headers: dict[str, str] | None = None, **params: Any) -> httpx.Response:
                return client.get(path, params=params or None, headers={"x-api-key": key} | (headers or {}))

            return get

        yield of
