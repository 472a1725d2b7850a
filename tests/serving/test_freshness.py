"""Answers that did not change are not sent again; new ones are told of at once."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from queue import Queue
from typing import Any

import httpx
import pytest

from serving import price_feeds
from tests.serving import test_access
from tests.support.dbt_runs import run_dbt
from tests.support.markets import NOON, Section, add_event, observe
from tests.support.served_market import EVERYONE, LEFT, RIGHT, Ask, id_of
from tickettape.api_schema import create_key, revoke_key
from tickettape.database import Connection
from tickettape.rollups import ROLLUPS_ALONE


def paths_of(event: object) -> list[str]:
    """The paths whose tag is a version of the event. What compares several sources says ages, or is an estimate."""
    compares = ("across-markets", "shared-offers")
    return [path for path in test_access.paths_of(event) if not path.endswith(compares)]


def tick(connection: Connection, event: str = "1") -> None:
    """A capture of an event, and a refresh as the pipeline makes one."""
    observe(connection, add_event(connection, event), NOON + timedelta(hours=5), Section("Lower", "101", [100]))
    run_dbt(*ROLLUPS_ALONE)


def test_an_unchanged_answer_is_304_and_a_refresh_makes_it_new_v3(
    ask: Callable[[str], Ask], connection: Connection
) -> None:
    get, one, two = ask(EVERYONE), id_of(connection, "1"), id_of(connection, "2")
    paths = [*paths_of(one), *paths_of(two)]
    tags = {path: get(path).headers["etag"] for path in paths}
    assert len(set(tags.values())) == len(paths)
    for path in paths:
        same = get(path, {"if-none-match": tags[path]})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tags[path])
    tick(connection)
    for path in paths_of(one):
        fresh = get(path, {"if-none-match": tags[path]})
        assert fresh.status_code == 200
        assert fresh.headers["etag"] != tags[path]
        tags[path] = fresh.headers["etag"]
    for path in paths:  # of the other event nothing changed, and now of neither
        assert get(path, {"if-none-match": tags[path]}).status_code == 304


def test_a_tag_is_of_one_question_and_one_format_v3(ask: Callable[[str], Ask], connection: Connection) -> None:
    get = ask(LEFT)
    path = paths_of(id_of(connection, "1"))[-1]
    tag = get(path).headers["etag"]
    for other, accept in ((f"{path}&fill=true", "*/*"), (f"{path}&limit=2", "*/*"), (path, "text/csv")):
        assert get(other, {"if-none-match": tag, "accept": accept}).status_code == 200


@pytest.fixture
def listen(service: str) -> Iterator[Callable[[str, object], "Queue[tuple[str, Any]]"]]:
    """Open an event's stream with a key; what arrives is put into a queue as (event, data)."""
    clients: list[httpx.Client] = []

    def of(key: str, event: object) -> "Queue[tuple[str, Any]]":
        arrived: Queue[tuple[str, Any]] = Queue()
        client = httpx.Client(base_url=service, timeout=60, headers={"x-api-key": key})
        clients.append(client)

        def read() -> None:
            try:
                with client.stream("GET", f"/api/events/{event}/stream") as answer:
                    kind = str(answer.status_code)
                    if kind != "200":
                        arrived.put((kind, None))
                    for line in answer.iter_lines():
                        if line.startswith("event: "):
                            kind = line[7:]
                        elif line.startswith("data: "):
                            arrived.put((kind, json.loads(line[6:])))
            except httpx.HTTPError:
                return
            arrived.put(("end", None))

        threading.Thread(target=read, daemon=True).start()
        return arrived

    yield of
    for client in clients:
        client.close()


def test_new_prices_are_streamed_to_those_who_see_the_event_as_a_tick_lands(
    listen: Callable[[str, object], "Queue[tuple[str, Any]]"], connection: Connection
) -> None:
    left, right = (create_key(connection, tenant) for tenant in (LEFT, RIGHT))
    one, two = id_of(connection, "1"), id_of(connection, "2")
    mine, theirs = listen(left, one), listen(right, two)
    kind, first = mine.get(timeout=60)
    assert kind == "latest"
    assert {row["zone"]: row["lowest_price"] for row in first["data"]} == {"Lower": 50.0, "Upper": 20.0}
    assert theirs.get(timeout=60)[0] == "latest"
    assert listen(left, two).get(timeout=60) == ("404", None)
    tick(connection)
    kind, second = mine.get(timeout=60)
    while second["data"][0]["lowest_price"] != 1.0:  # the refresh lands rollup by rollup
        kind, second = mine.get(timeout=60)
    assert kind == "latest"
    assert {row["zone"]: row["available"] for row in second["data"]} == {"Lower": True, "Upper": False}
    assert theirs.empty()


def test_a_stream_ends_when_its_key_is_revoked(
    listen: Callable[[str, object], "Queue[tuple[str, Any]]"], connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_feeds, "ALIVE_SECONDS", 0.2)
    key = create_key(connection, LEFT)
    arrived = listen(key, id_of(connection, "1"))
    assert arrived.get(timeout=60)[0] == "latest"
    revoke_key(connection, key)
    kind, problem = arrived.get(timeout=60)
    assert (kind, problem["status"]) == ("problem", 401)
    assert arrived.get(timeout=60) == ("end", None)


def test_a_stream_survives_the_loss_of_its_connection_to_the_database(
    listen: Callable[[str, object], "Queue[tuple[str, Any]]"], connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_feeds, "RECONNECT_SECONDS", 0.1)
    arrived = listen(create_key(connection, LEFT), id_of(connection, "1"))
    assert arrived.get(timeout=60)[0] == "latest"
    connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tickettape-stream'"
    )
    tick(connection)
    assert arrived.get(timeout=60)[0] == "latest"
