"""What operators see: health, metrics, and the checks that the pipeline's alerts come from."""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import dagster as dg
import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from orchestration.assets.serving import service_is_well
from serving import request_counts
from serving.app import build_app
from serving.request_counts import RequestCounts
from tests.support.databases import use_database
from tests.support.served_market import EVERYONE, id_of, serving
from tests.support.served_minutes import did
from tickettape.api_schema import (
    create_key,
)
from tickettape.database import Connection, Warehouse, check_session_mode, configured_url, connections
from tickettape.settings import Settings


def test_metrics_tell_of_requests_latencies_and_the_scraper(service: str, connection: Connection) -> None:
    key, one = create_key(connection, EVERYONE), id_of(connection, "1")
    with httpx.Client(base_url=service, headers={"x-api-key": key}) as client:
        for path, times in ((f"/api/events/{one}", 3), ("/api/nowhere", 2)):
            for _ in range(times):
                client.get(path)
        text = client.get("/metrics").text
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["tickettape_requests_total", "/api/events/{event_id}", "answered"] == 3
    assert samples["tickettape_requests_total", "other", "refused"] == 2
    assert samples["tickettape_request_seconds_count", "/api/events/{event_id}"] == 3
    assert samples["tickettape_request_seconds_bucket", "+Inf", "/api/events/{event_id}"] == 3
    assert samples["tickettape_events_active", "simulator"] == 2
    assert samples["tickettape_captured_share", "simulator"] == 1
    assert samples["tickettape_newest_capture_age_seconds", "simulator"] > 0
    assert str(one) not in text


def test_two_server_processes_count_as_one(connection: Connection, database_url: str) -> None:
    with serving(database_url) as one, serving(database_url) as two:
        for url in (one, two, two):
            httpx.get(f"{url}/health")
        httpx.get(f"{one}/metrics")
        text = httpx.get(f"{two}/metrics").text
    assert re.search(r'tickettape_requests_total\{outcome="answered",route="/health"\} 3\.0', text)


def test_health_says_what_is_missing(database_url: str, connection: Connection) -> None:
    with serving(database_url) as url:
        assert httpx.get(f"{url}/health").json() == {"status": "ok"}
        connection.execute("drop schema api cascade")
        waiting = httpx.get(f"{url}/health")
        key = create_key(connection, EVERYONE)
        early = httpx.get(f"{url}/api/events", headers={"x-api-key": key})
    assert (waiting.status_code, early.status_code) == (503, 503)
    assert "Run a tick" in waiting.json()["detail"]
    assert "first tick" in early.json()["detail"]


@pytest.mark.parametrize(
    ("what", "failing"),
    [
        ({}, set()),
        ({"requests": 1000, "errors": 10, "slow": 5, "bucket": 7}, set()),
        ({"requests": 10, "errors": 10, "bucket": 10}, set()),
        ({"requests": 1000, "errors": 11}, {"answers_do_not_fail"}),
        ({"requests": 1000, "bucket": 8}, {"answers_are_quick"}),
        ({"slow": 6}, {"statements_are_quick"}),
    ],
)
def test_checks_fail_where_the_service_fails_or_is_slow(
    warehouse: Warehouse, connection: Connection, what: dict[str, int], failing: set[str]
) -> None:
    did(connection, **what)
    found: Any = service_is_well(warehouse=warehouse, settings=Settings())
    results: list[dg.AssetCheckResult] = list(found)
    assert {result.check_name for result in results if not result.passed} == failing
    assert all(result.description for result in results if not result.passed)
    assert {result.severity for result in results} == {dg.AssetCheckSeverity.WARN}


def test_a_failure_of_ours_is_a_500_that_is_counted_and_tells_nothing(
    connection: Connection, database_url: str
) -> None:
    key = create_key(connection, EVERYONE)
    with serving(database_url) as url:
        connection.execute(
            """create or replace function api.event(id uuid) returns setof api.event_detail language plpgsql as $$
               begin raise exception 'api.event fails'; end $$"""
        )
        answer = httpx.get(f"{url}/api/events/{id_of(connection, '1')}", headers={"x-api-key": key})
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert "api.event" not in answer.text
        assert 'route="/api/events/{event_id}"} 1.0' in httpx.get(f"{url}/metrics").text


@contextmanager
def swallowing_notifications(database_url: str) -> Iterator[str]:
    """The database as a pooler in transaction mode shows it: notifications do not come through."""
    known = psycopg.conninfo.conninfo_to_dict(database_url)
    listener = socket.create_server(("127.0.0.1", 0))

    def pass_on(client: socket.socket, database: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while sent := client.recv(65_536):
                database.sendall(sent)
            database.shutdown(socket.SHUT_WR)

    def filter_back(database: socket.socket, client: socket.socket) -> None:
        with database.makefile("rb") as answers, contextlib.suppress(OSError):
            while head := answers.read(5):  # a message: its type, and its length without the type
                body = answers.read(int.from_bytes(head[1:]) - 4)
                if head[:1] != b"A":
                    client.sendall(head + body)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                database = socket.socket(socket.AF_UNIX)
                database.connect(f"{known['host']}/.s.PGSQL.5432")
                for work, ends in ((pass_on, (client, database)), (filter_back, (database, client))):
                    threading.Thread(target=work, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        port = listener.getsockname()[1]
        yield f"postgresql://postgres@127.0.0.1:{port}/{known['dbname']}?sslmode=disable&gssencmode=disable"
        listener.shutdown(socket.SHUT_RDWR)


def test_a_pooler_that_swallows_notifications_is_refused_at_the_start(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_session_mode(database_url)
    monkeypatch.setattr(connections, "NOTIFY_SECONDS", 0.5)
    with swallowing_notifications(database_url) as pooled:
        with psycopg.connect(pooled) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        with pytest.raises(RuntimeError, match="session mode"):
            check_session_mode(pooled)


def test_supabases_pooler_in_transaction_mode_is_refused_by_its_port(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pooled = "postgresql://postgres.ref:hush@aws-0-eu.pooler.supabase.com:6543/postgres"
    use_database(monkeypatch, pooled)
    with pytest.raises(RuntimeError, match="session mode") as refused:
        configured_url()
    assert "hush" not in str(refused.value)


def test_the_application_is_built_without_a_database(database_url: str) -> None:
    app = build_app(Settings(), database_url)
    assert set(app.openapi()["paths"]) >= {"/api/events", "/api/analytics/price-trends", "/health", "/metrics"}


def test_views_of_events_are_counted(database_url: str, connection: Connection) -> None:
    key, one = create_key(connection, EVERYONE), id_of(connection, "1")
    with serving(database_url) as url:
        for path in (f"/api/events/{one}", f"/api/analytics/price-trends?event_id={one}", "/api/events"):
            assert httpx.get(f"{url}{path}", headers={"x-api-key": key}).status_code == 200
        httpx.get(f"{url}/metrics")
    views = connection.execute(
        "select id, sum(views) from market.event_views join market.events using (event_key) group by id"
    )
    assert views.fetchall() == [(one, 2)]


def test_counts_that_cannot_be_stored_are_stored_later(database_url: str, connection: Connection) -> None:
    key, one = create_key(connection, EVERYONE), id_of(connection, "1")
    with serving(database_url) as url:
        for table in ("event_views", "service_minutes"):
            connection.execute(f"alter table market.{table} rename to away")
            assert httpx.get(f"{url}/api/events/{one}", headers={"x-api-key": key}).status_code == 200
            assert httpx.get(f"{url}/metrics").status_code == 500
            connection.execute(f"alter table market.away rename to {table}")
        text = httpx.get(f"{url}/metrics").text
    assert connection.execute("select sum(views) from market.event_views").fetchone() == (2,)
    assert 'outcome="answered",route="/api/events/{event_id}"} 2.0' in text


def test_slow_statements_are_noted_without_their_values(
    database_url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, one = create_key(connection, EVERYONE), id_of(connection, "1")

    def ask() -> list[str]:
        with serving(database_url) as url:
            assert httpx.get(f"{url}/api/events/{one}", headers={"x-api-key": key}).status_code == 200
        return [text for (text,) in connection.execute("select statement from market.slow_statements")]

    assert ask() == []
    monkeypatch.setattr("serving.database.SLOW_SECONDS", 0)
    noted = ask()
    assert any("access.enter(%(key_sha256)s)" in statement for statement in noted)
    assert not [statement for statement in noted if str(one) in statement or key in statement]
    calls = connection.execute("select bool_and(calls > 0 and longest_seconds > 0) from market.slow_statements")
    assert calls.fetchall() == [(True,)]


def test_what_is_kept_for_later_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_counts, "MOST_MINUTES_KEPT", 3)
    monkeypatch.setattr(request_counts, "MOST_EVENTS_KEPT", 2)
    counts, events = RequestCounts(), [uuid4() for _ in range(4)]
    for number, event in enumerate(events):
        counts.count(f"/{number}", 200, 0.1)
        for _ in range(number + 1):
            counts.count_view(event)

    class Away:
        async def run(self, statement: str, values: object) -> None:
            raise psycopg.OperationalError("away")

    away: Any = Away()
    for _ in range(6):
        with pytest.raises(psycopg.OperationalError):
            asyncio.run(counts.flush(away))
        with pytest.raises(psycopg.OperationalError):
            asyncio.run(counts._flush_views(away))
    assert len(counts._counts) == 3
    assert counts._views == {events[3]: 4, events[2]: 3}
