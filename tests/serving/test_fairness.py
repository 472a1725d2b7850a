"""One key cannot starve another: requests at once, streams, guesses of keys, and floods of refusals are limited."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Thread
from typing import Any

import httpx
import pytest

from serving import app, price_feeds
from serving import database as serving_database
from serving.database import Database
from serving.limits import pauses, turns, unknown_keys
from serving.responses import formats
from serving.responses.problems import Problem
from tests.support.processes import wait_for
from tests.support.served_market import EVERYONE, LEFT, id_of, serving
from tickettape.api_schema import create_key
from tickettape.database import Connection
from tickettape.settings import Settings

SLOW_SECONDS = 0.6


@pytest.fixture
def slow_zones(connection: Connection) -> str:
    """The path of an event's zones, whose query waits."""
    connection.execute(
        f"""create or replace function api.zones(event_id uuid) returns setof api.event_zone language plpgsql as $$
            begin perform pg_sleep({SLOW_SECONDS}); end $$"""
    )
    return f"/api/events/{id_of(connection, '1')}/zones"


@pytest.mark.parametrize(("at_once", "is_starved"), [(2, False), (100, True)])
def test_another_key_is_answered_while_one_has_all_that_it_may_have(
    connection: Connection,
    database_url: str,
    slow_zones: str,
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
    is_starved: bool,
) -> None:
    monkeypatch.setattr(serving_database, "POOL_SIZE", 3)
    greedy, modest = create_key(connection, EVERYONE), create_key(connection, LEFT)
    quick = slow_zones.replace("/zones", "/latest")
    with serving(database_url, Settings(key_requests_at_once=at_once)) as url, httpx.Client(base_url=url) as client:
        assert client.get(quick, headers={"x-api-key": modest}).status_code == 200
        with ThreadPoolExecutor(6) as pool:
            asked = [pool.submit(client.get, slow_zones, headers={"x-api-key": greedy}) for _ in range(6)]
            time.sleep(0.2)
            started = time.monotonic()
            answer = client.get(quick, headers={"x-api-key": modest})
            seconds = time.monotonic() - started
        assert {one.result().status_code for one in asked} == {200}  # they only had to wait
    assert answer.status_code == 200
    # the first three of the other key are asleep for 0.4 s more, and the next three come before this one
    assert (seconds > SLOW_SECONDS) is is_starved


def test_who_waits_too_long_for_its_own_requests_is_told_when_to_come_back(
    connection: Connection, database_url: str, slow_zones: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.1)
    key = create_key(connection, EVERYONE)
    with (
        serving(database_url, Settings(key_requests_at_once=1)) as url,
        httpx.Client(base_url=url, headers={"x-api-key": key}) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        answers = list(pool.map(lambda _: client.get(slow_zones), range(2)))
        first, second = sorted(answers, key=lambda answer: answer.status_code)
        assert client.get(slow_zones).status_code == 200
    assert (first.status_code, second.status_code) == (200, 429)
    assert second.headers["retry-after"] == "1"
    assert second.headers["content-type"] == "application/problem+json"
    assert "Only 1 of a key's requests may be in progress" in second.json()["detail"]


@pytest.mark.parametrize(("limit", "one_by_one"), [(1_001, True), (1_000, False)])
def test_long_responses_of_one_key_are_made_one_by_one(
    connection: Connection, database_url: str, limit: int, one_by_one: bool
) -> None:
    connection.execute(
        """create or replace function api.granularity(asked text, start_date timestamptz, end_date timestamptz)
           returns text language plpgsql as $$ begin perform pg_sleep(0.1); return 'hour'; end $$"""
    )
    path = f"/api/analytics/price-trends?event_id={id_of(connection, '1')}&limit={limit}"
    key = create_key(connection, EVERYONE)
    with (
        serving(database_url, Settings(key_requests_at_once=5)) as url,
        httpx.Client(base_url=url, headers={"x-api-key": key}, timeout=60) as client,
        ThreadPoolExecutor(5) as pool,
    ):
        client.get(path)
        started = time.monotonic()
        assert client.get(path).status_code == 200
        alone = time.monotonic() - started
        started = time.monotonic()
        assert {answer.status_code for answer in pool.map(lambda _: client.get(path), range(5))} == {200}
        together = time.monotonic() - started
    assert (together > 4 * alone) is one_by_one


def test_others_have_their_turn_while_a_long_response_is_written() -> None:
    async def count_turns() -> int:
        writing = asyncio.create_task(formats.as_csv(["zone"], [("Lower Bowl",)] * 10_000))
        turns = 0
        while not writing.done():
            turns += 1
            await asyncio.sleep(0)
        return turns

    assert asyncio.run(count_turns()) >= 10_000 / formats.PIECE


@pytest.mark.parametrize(("most", "expected"), [(2, [200, 200, 429]), (3, [200, 200, 200])])
def test_one_key_has_its_own_streams_and_leaves_those_of_others(
    connection: Connection, database_url: str, most: int, expected: list[int]
) -> None:
    one, two = create_key(connection, EVERYONE), create_key(connection, EVERYONE)
    path = f"/api/events/{id_of(connection, '1')}/stream"
    # a stream is not a request in progress: one at once is enough for three streams
    settings = Settings(key_streams=most, key_requests_at_once=1)
    with serving(database_url, settings) as url, httpx.Client(base_url=url) as client, ExitStack() as streams:

        def open_stream(key: str) -> httpx.Response:
            return streams.enter_context(client.stream("GET", path, headers={"x-api-key": key}))

        answers = [open_stream(one) for _ in range(3)]
        assert [answer.status_code for answer in answers] == expected
        if most == 2:
            assert answers[2].headers["retry-after"] == "60"
            assert open_stream(two).status_code == 200
            answers[0].close()
            wait_for("a free stream", lambda: open_stream(one).status_code == 200, 5)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that the service sends to the database."""
    statements: list[str] = []
    ask, run = Database.ask, Database.run

    async def noted_ask(self: Database, key: bytes, question: Any, values: Any, **options: bool) -> Any:
        statements.append(question)
        return await ask(self, key, question, values, **options)

    async def noted_run(self: Database, statement: Any, values: Any) -> Any:
        statements.append(statement)
        return await run(self, statement, values)

    monkeypatch.setattr(Database, "ask", noted_ask)
    monkeypatch.setattr(Database, "run", noted_run)
    return statements


def test_streams_of_one_key_and_event_read_the_prices_once_and_then_only_look_for_new_ones(
    connection: Connection, database_url: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_feeds, "ALIVE_SECONDS", 0.1)
    key, path = create_key(connection, LEFT), f"/api/events/{id_of(connection, '1')}/stream"
    with serving(database_url) as url, ExitStack() as streams:
        lines: list[Iterator[str]] = []
        for _ in range(5):
            client = streams.enter_context(httpx.Client(base_url=url, headers={"x-api-key": key}))
            lines.append(streams.enter_context(client.stream("GET", path)).iter_lines())
        for each in lines:
            assert next(each) == "event: latest"
            assert [next(each)[:4] for _ in range(8)][3::2] == [": al", ": al", ": al"]
        versions = sum("data_version" in one and "latest_prices" not in one for one in asked)
        prices = sum("latest_prices" in one for one in asked)
    assert prices == 1
    assert versions < 5 + 5 * 3  # one per stream when it opens, and one for all of them each time


def test_guesses_of_keys_end_before_the_database_and_harm_no_key_that_is_known(
    connection: Connection, database_url: str, asked: list[str]
) -> None:
    known = create_key(connection, EVERYONE)
    with serving(database_url, Settings(unknown_keys_per_minute=3)) as url, httpx.Client(base_url=url) as client:

        def ask(key: str, address: str = "10.0.0.1") -> httpx.Response:
            return client.get("/api/events", headers={"x-api-key": key, "x-forwarded-for": address})

        wait_for("the keys", lambda: any("last_used_at desc" in one for one in asked), 5)
        guesses = [ask(f"tt_{number}") for number in range(5)]
        assert [guess.status_code for guess in guesses] == [401] * 3 + [429] * 2
        assert 1 <= int(guesses[-1].headers["retry-after"]) <= 61
        assert ask("tt_0").status_code == 401  # it was just refused
        assert sum("access.lease" in one for one in asked) == 3
        new = create_key(connection, EVERYONE)
        assert [ask(known).status_code, ask(new).status_code] == [200, 429]
        assert ask(new, "10.0.0.2").status_code == 200
        assert ask(new).status_code == 200
        # all addresses together may ask ten times as often
        statuses = Counter(ask(f"tt_other_{number}", f"10.0.1.{number}").status_code for number in range(40))
        assert statuses == {401: 27, 429: 13}


def test_control_with_a_high_limit_every_guess_is_looked_up(database_url: str, asked: list[str]) -> None:
    with serving(database_url, Settings(unknown_keys_per_minute=100)) as url, httpx.Client(base_url=url) as client:
        guesses = [client.get("/api/events", headers={"x-api-key": f"tt_{number}"}) for number in range(5)]
    assert [guess.status_code for guess in guesses] == [401] * 5
    assert sum("access.lease" in one for one in asked) == 5


def test_addresses_of_one_ipv6_network_count_as_one(connection: Connection, database_url: str) -> None:
    with serving(database_url, Settings(unknown_keys_per_minute=1)) as url:
        statuses = [
            httpx.get(f"{url}/api/events", headers={"x-api-key": f"tt_{n}", "x-forwarded-for": address}).status_code
            for n, address in enumerate(["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"])
        ]
    assert statuses == [401, 429, 401]


def test_what_is_remembered_of_unknown_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown_keys, "MOST_REMEMBERED", 5)
    unknown = unknown_keys.UnknownKeys(per_minute=100)
    refused = []
    for number in range(9):
        key = bytes([number])
        try:
            unknown.before_lookup(key, f"10.0.0.{number}")
        except Problem as problem:
            refused.append(problem.status)
        else:
            unknown.refuse(key)
    assert refused == [429] * 4
    assert len(unknown._refused) == len(unknown._lookups) == 5


def test_a_flood_of_refusals_is_slowed_down_and_the_first_are_not(
    connection: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "REFUSALS_PER_SECOND", 2)
    monkeypatch.setattr(pauses, "PAUSE_SECONDS", 0.5)
    monkeypatch.setattr(pauses, "monotonic", lambda: 1.0)  # all within one second
    with serving(database_url) as url, httpx.Client(base_url=url) as client:
        seconds = []
        for _ in range(3):
            started = time.monotonic()
            assert client.get("/api/events").status_code == 401
            seconds.append(time.monotonic() - started)
    assert max(seconds[:2]) < 0.5 <= seconds[2]


def test_many_who_ask_for_metrics_at_once_share_the_work(
    connection: Connection, database_url: str, asked: list[str]
) -> None:
    with serving(database_url) as url, httpx.Client(base_url=url) as client:
        lock = connection.transaction()
        with lock:  # the first waits here, and the others come meanwhile
            connection.execute("lock table market.scraper_jobs in access exclusive mode")
            answers: list[httpx.Response] = []
            threads = [Thread(target=lambda: answers.append(client.get("/metrics"))) for _ in range(9)]
            for thread in threads:
                thread.start()
            wait_for("the first", lambda: any("scraper_jobs" in one for one in asked), 5)
            time.sleep(0.2)
        for thread in threads:
            thread.join()
    assert [answer.status_code for answer in answers] == [200] * 9
    assert sum("scraper_jobs" in one for one in asked) == 2
