"""A request that waits while schema api is applied anew is answered."""

import time
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from serving import database
from tests.support.served_market import EVERYONE, serving
from tickettape.api_schema import create_key
from tickettape.api_schema.apply import _apply
from tickettape.database import Connection
from tickettape.settings import Settings


def asked_meanwhile(url: str, connection: Connection) -> httpx.Response:
    """The answer to a request that finds the views dropped, and waits until they are there again."""
    key = create_key(connection, EVERYONE)
    with ThreadPoolExecutor(1) as pool:
        with connection.transaction():
            _apply(connection, Settings(row_cap=999))
            asked: Future[httpx.Response] = pool.submit(
                httpx.get, f"{url}/api/events", params={"search": "an"}, headers={"x-api-key": key}
            )
            until = time.monotonic() + 30
            while not connection.execute("select pid from pg_locks where not granted").fetchone():
                assert time.monotonic() < until, "the request does not wait"
                time.sleep(0.02)
        return asked.result(timeout=60)


def test_a_request_that_waits_for_a_view_that_is_made_anew_is_answered(service: str, connection: Connection) -> None:
    assert asked_meanwhile(service, connection).status_code == 200


def test_control_without_a_second_attempt_it_fails(
    database_url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ATTEMPTS", 1)
    with serving(database_url) as url:
        assert asked_meanwhile(url, connection).status_code == 500
