"""What a server refuses altogether is told in three lines: what is wrong, what the server says, what to do."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from tests.support.databases import use_database
from tests.support.own_server import OwnServer, own_server
from tickettape.database import Warehouse, refusal_in, refusal_of
from tickettape.database.migrations import upgrade_database
from tickettape.start_and_stop import explain_failures


@pytest.fixture(scope="module")
def server(server_url: str) -> Iterator[OwnServer]:
    with own_server() as made:
        upgrade_database(made.url)
        yield made


def told(patch: pytest.MonkeyPatch, url: str) -> list[str]:
    """The lines with which a program ends that writes to the database."""
    use_database(patch, url)
    with pytest.raises(SystemExit) as ended, explain_failures(), Warehouse().connection() as connection:
        connection.execute("create table market.written ()")
    lines = str(ended.value).splitlines()
    assert len(lines) == 3
    return lines


def test_a_server_that_is_down_a_standby_and_one_that_takes_writes_again(
    server: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stop()
    what, said, remedy = told(monkeypatch, server.url)
    assert what == "The database server cannot be reached."
    assert "Connection refused" in said
    assert "DATABASE_URL" in remedy
    server.start(standby=True)
    what, said, remedy = told(monkeypatch, server.url)
    assert what == "The database is read-only."
    assert said == "The reason given: cannot execute CREATE TABLE in a read-only transaction."
    assert "target_session_attrs=read-write" in remedy
    what, said, _ = told(monkeypatch, f"{server.url}?target_session_attrs=read-write")
    assert (what, "session is read-only" in said) == ("The database is read-only.", True)
    with psycopg.connect(server.url) as standby, pytest.raises(psycopg.Error) as listened:
        standby.execute("listen anything")
    assert "read-only" in str(refusal_of(listened.value))
    server.promote()
    with Warehouse().connection() as connection:
        connection.execute("create table market.written ()")
        connection.execute("drop table market.written")


def test_connections_that_are_used_up_by_all_and_by_a_role(server: OwnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = server.take_all()
    what, said, remedy = told(monkeypatch, server.url)
    assert what == "The database server has no connection left."
    assert "too many clients already" in said
    assert "max_connections" in remedy
    taken[0].execute("create role few login connection limit 0")
    taken[0].commit()
    for connection in taken:
        connection.close()
    what, _, remedy = told(monkeypatch, server.url.replace("postgres@", "few@"))
    assert what == "The database allows this user no more connections."
    assert "connection limit" in remedy


def test_a_user_and_a_database_that_are_not_there(server: OwnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in (server.url.replace("postgres@", "nobody@"), f"{server.url}_of_nobody"):
        what, said, _ = told(monkeypatch, url)
        assert what == "The database server does not know the user or the database."
        assert "does not exist" in said


def test_an_error_of_one_statement_is_no_refusal_of_the_server(server: OwnServer) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("set statement_timeout = '10ms'")
        for statement in ("select * from nowhere", "select pg_sleep(1)", "select 1 / 0"):
            with pytest.raises(psycopg.Error) as raised:
                connection.execute(statement.encode())
            assert refusal_of(raised.value) is None
    assert refusal_of(ValueError("not ours")) is None


def test_what_dagsters_storage_says_is_found_below_its_wrapping(server: OwnServer) -> None:
    few = server.url.replace("postgresql://postgres@", "postgresql+psycopg2://nobody@")
    with pytest.raises(sqlalchemy.exc.OperationalError) as raised, sqlalchemy.create_engine(few).connect():
        pass
    refusal = refusal_of(raised.value)
    assert refusal is not None
    assert refusal.what == "The database server does not know the user or the database."


def test_a_full_disk_of_this_machine_is_told_like_the_servers() -> None:
    with pytest.raises(SystemExit, match=r"^The disk is full\.\n.*No space left"), explain_failures():
        Path("/dev/full").write_text("something")


@pytest.mark.parametrize(
    ("record", "what"),
    [
        ("FATAL:  could not write init file: No space left on device", "The database's disk is full."),
        ("Database Error in model event_hours\n  cannot execute INSERT in a read-only transaction", "read-only"),
        ("psycopg2.OperationalError: server closed the connection unexpectedly\n\tThis probably", "was stopped"),
        ('connection to server at "::1", port 5432 failed: Connection refused\n\tIs it', "cannot be reached"),
        ("grpc: failed to connect to all addresses; last error: Connection refused", None),
        ('Database Error in model mine\n  relation "nowhere" does not exist', None),
        ("ValueError: 7", None),
    ],
)
def test_a_record_of_an_error_is_explained_where_the_whole_server_refuses(record: str, what: str | None) -> None:
    refusal = refusal_in(record)
    assert (refusal is None) == (what is None)
    assert refusal is None or what is None or what in refusal.what
