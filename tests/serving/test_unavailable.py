"""A database that is away, read-only or full of connections: 503 with the reason, and well again by itself."""

import subprocess
import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from serving import database as serving_database
from tests.support.own_server import OwnServer, own_server
from tests.support.processes import wait_for
from tests.support.served_market import EVERYONE, serving
from tickettape.api_schema import create_key, ensure_reader_role
from tickettape.database import postgres_tool

WELL_AGAIN = 15  # seconds: the pool's last attempt and its pause, on a busy machine


@pytest.fixture
def server(database_url: str) -> Iterator[OwnServer]:
    """A server of its own with the served market."""
    with own_server() as made, psycopg.connect(made.url, autocommit=True) as connection:
        ensure_reader_role(connection)
        version = connection.info.server_version
        dump, psql = (postgres_tool(tool, server_version=version) for tool in ("pg_dump", "psql"))
        written = subprocess.run([dump, "--no-owner", database_url], capture_output=True, check=True)
        subprocess.run([psql, "-q", "-v", "ON_ERROR_STOP=1", made.url], input=written.stdout, check=True)
        connection.close()
        yield made


def test_the_service_says_why_it_cannot_answer_and_answers_when_it_can(
    server: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving_database, "WAIT_SECONDS", 1)
    with psycopg.connect(server.url, autocommit=True) as connection:
        key = create_key(connection, EVERYONE)
    with serving(server.url) as url, httpx.Client(base_url=url, headers={"x-api-key": key}, timeout=60) as client:

        def answers(reason: str | None, *paths: str) -> None:
            """The paths give the reason, or, with none, answer, within the time that the pool takes."""
            if reason is None:
                started = time.monotonic()
                wait_for("an answer", lambda: client.get("/api/events").status_code == 200, WELL_AGAIN)
                assert time.monotonic() - started < WELL_AGAIN
                assert {client.get(path).status_code for path in paths} == {200}
                return
            # no JSON while it still answers
            wait_for(reason, lambda: reason in client.get("/metrics").text, WELL_AGAIN)
            for path in paths:
                refused = client.get(path)
                assert (path, refused.status_code) == (path, 503)
                assert refused.json()["detail"] == f"{reason} Try again later."
                assert refused.headers["retry-after"]
                assert "127.0.0.1" not in refused.text

        everything = ("/health", "/metrics", "/api/events")
        answers(None, *everything)
        server.stop()
        answers("The database server cannot be reached.", *everything)
        server.start(standby=True)
        answers("The database is read-only.", "/health", "/metrics")  # what is left of a minute's lease may be read
        server.promote()
        answers(None, *everything)
        server.stop()
        server.start()
        taken = server.take_all()
        answers("The database server has no connection left.", *everything)
        for connection in taken:
            connection.close()
        answers(None, *everything)
