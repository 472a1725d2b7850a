"""Requests a minute per key: isolated, true, shared by the server processes, and not to be got around."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from serving.limits import rate_limits as limits
from tests.support.served_market import EVERYONE, LEFT, id_of, serving
from tickettape.api_schema import create_key
from tickettape.database import Connection


@pytest.fixture(autouse=True)
def _a_whole_minute() -> None:
    """A minute's end within a test would give it another minute's requests."""
    left = 60 - time.time() % 60
    if left < 8:
        time.sleep(left + 0.1)


def test_one_clients_limit_is_its_own_and_its_retry_after_is_true_v2(service: str, connection: Connection) -> None:
    few, many = (create_key(connection, EVERYONE, requests_per_minute=n) for n in (5, 500))
    with httpx.Client(base_url=service) as client:
        answers = [client.get("/api/events", headers={"x-api-key": few}) for _ in range(7)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
        assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0", "0"]
        assert {answer.headers["ratelimit-limit"] for answer in answers} == {"5"}
        assert client.get("/api/events", headers={"x-api-key": many}).status_code == 200
        refused = answers[-1]
        assert refused.headers["content-type"] == "application/problem+json"
        # the database's minute is over when Retry-After is, and not much earlier
        row = connection.execute(
            "select extract(epoch from date_trunc('minute', now()) + interval '1 minute' - now())"
        ).fetchone()
        assert row is not None
        assert 0 <= int(refused.headers["retry-after"]) - float(row[0]) <= 3


def test_after_retry_after_it_works_again_v2(
    service: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = create_key(connection, EVERYONE, requests_per_minute=1)
    with httpx.Client(base_url=service, headers={"x-api-key": key}) as client:
        assert client.get("/api/events").status_code == 200
        refused = client.get("/api/events")
        assert refused.status_code == 429
        # the clock of this process moves on by what it said; the database's minute becomes the last one
        connection.execute("update access.request_windows set starts_at = starts_at - interval '1 minute'")
        later = int(refused.headers["retry-after"])
        real = time.monotonic
        monkeypatch.setattr(limits, "monotonic", lambda: real() + later)
        assert client.get("/api/events").status_code == 200


def test_no_verb_and_no_path_gets_around_the_limit_v2(service: str, connection: Connection) -> None:
    key, event = create_key(connection, EVERYONE, requests_per_minute=6), id_of(connection, "1")
    with httpx.Client(base_url=service, headers={"x-api-key": key}) as client:
        asked = [
            ("HEAD", "/api/events"),
            ("OPTIONS", "/api/events"),
            ("POST", "/api/events"),
            ("GET", "/api/nowhere"),
            ("GET", "/api/events?limit=none"),
            ("GET", f"/api/events/{event}"),
        ]
        statuses = [client.request(verb, path).status_code for verb, path in asked]
        assert statuses == [200, 405, 405, 404, 422, 200]
        for verb, path in asked:
            assert client.request(verb, path).status_code == 429
        # one key in another header, or a fresh connection, is the same client
        bearer = httpx.get(f"{service}/api/events", headers={"authorization": f"Bearer {key}"})
        assert bearer.status_code == 429


def test_two_server_processes_share_a_limit_v2(connection: Connection, database_url: str) -> None:
    key = create_key(connection, LEFT, requests_per_minute=12)
    with serving(database_url) as one, serving(database_url) as two, httpx.Client() as client:
        statuses = Counter(
            client.get(f"{url}/api/events", headers={"x-api-key": key}).status_code for url in [one, two] * 10
        )
    assert statuses == {200: 12, 429: 8}


@pytest.mark.race
def test_many_at_once_are_counted_each_v2(service: str, connection: Connection) -> None:
    key = create_key(connection, LEFT, requests_per_minute=40)
    with httpx.Client(base_url=service, headers={"x-api-key": key}) as client, ThreadPoolExecutor(16) as pool:
        statuses = Counter(pool.map(lambda _: client.get("/api/events").status_code, range(60)))
    assert statuses == {200: 40, 429: 20}


def test_unknown_keys_fill_no_table(service: str, connection: Connection) -> None:
    for number in range(5):
        httpx.get(f"{service}/api/events", headers={"x-api-key": f"tt_{number}"})
    assert connection.execute("select count(*) from access.request_windows").fetchone() == (0,)
