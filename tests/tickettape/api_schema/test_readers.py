"""Logins that may only read: what they see, and what they cannot do, whatever they try."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest

from tests.support.served_market import LEFT, RIGHT, id_of
from tickettape.api_schema import (
    SERVED_RELATIONS,
    AccessError,
    add_reader,
    connection_string,
    create_key,
    list_readers,
    list_tenants,
    remove_reader,
    remove_tenant,
)
from tickettape.database import Connection


@pytest.fixture
def login(connection: Connection) -> Iterator[str]:
    """The name of a login that the test may make: roles are the whole server's."""
    name = f"ana_{uuid4().hex[:8]}"
    yield name
    if name in {reader.login for reader in list_readers(connection)}:
        remove_reader(connection, name)


@contextmanager
def connected(database_url: str, login: str) -> Iterator[Connection]:
    """A connection of the login, by the socket, which asks for no password. It has turned off what it may turn off."""
    parts = urlsplit(database_url)
    url = urlunsplit(parts._replace(netloc=f"{login}@"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        yield connection


def test_it_sees_every_event_in_every_view(connection: Connection, database_url: str, login: str) -> None:
    add_reader(connection, login)
    with connected(database_url, login) as reader:
        for view in SERVED_RELATIONS:
            counts = [
                one.execute(f"select count(*) from {where}.{view}".encode()).fetchone()
                for one, where in ((reader, "api"), (connection, "analytics"))
            ]
            assert counts[0] == counts[1], view
        assert reader.execute("select count(*) from latest_prices").fetchone() == (3,)
        event = id_of(connection, "1")
        assert reader.execute("select count(*) from price_trends(%s, start_date => '2026-11-20')", [event]).fetchone()


def test_it_writes_nothing_makes_nothing_and_reads_no_secret(
    connection: Connection, database_url: str, login: str
) -> None:
    add_reader(connection, login)
    with connected(database_url, login) as reader:
        for statement in (
            "delete from latest_prices",
            "insert into api.events (name) values ('x')",
            "update market.events set name = ''",
            "delete from analytics.latest_prices",
            "truncate market.captures",
            "create table mine ()",
            "create table public.mine ()",
            "create table analytics.mine ()",
            "create schema mine",
            "select * from access.api_keys",
            "select * from access.tenants",
            "select * from access.readers",
            "select * from market.quarantine",
            "select * from market.capture_payloads",
            "select * from market.scraper_jobs",
            "select access.enter('')",
            "select * from pg_authid",
            "select pg_read_file('postgresql.conf')",
            "copy latest_prices to program 'cat'",
            "create role another",
            "set session authorization postgres",
            "set role postgres",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement.encode())


def test_a_login_of_a_tenant_sees_what_the_tenant_sees_whatever_it_sends(
    connection: Connection, database_url: str, login: str
) -> None:
    add_reader(connection, login, tenant=LEFT)
    (right,) = [str(one.tenant_id) for one in list_tenants(connection) if one.name == RIGHT]
    key = create_key(connection, RIGHT)
    with connected(database_url, login) as reader:
        mine = [(id_of(connection, "1"),)]
        assert reader.execute("select id from events").fetchall() == mine
        for setting, value in (
            ("request.jwt.claims", json.dumps({"tenant": right})),
            ("request.headers", json.dumps({"x-api-key": key})),
        ):
            reader.execute("select set_config(%s, %s, false)", [setting, value])
            assert reader.execute("select id from events").fetchall() == mine
        reader.execute("set role tickettape_reader")
        assert reader.execute("select id from events").fetchall() == mine
        remove_tenant(connection, LEFT)
        assert reader.execute("select id from events").fetchall() == []


def test_its_limits(connection: Connection, database_url: str, login: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGOPTIONS", raising=False)  # dbt's, which ran in this process
    add_reader(connection, login, connections=1, statement_seconds=0.05)
    url = urlunsplit(urlsplit(database_url)._replace(netloc=f"{login}@"))
    with psycopg.connect(url, autocommit=True) as reader:
        with pytest.raises(psycopg.errors.QueryCanceled):
            reader.execute("select pg_sleep(5)")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("create temporary table mine ()")
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            psycopg.connect(url)


def test_a_removed_login_is_gone_with_its_connections(connection: Connection, database_url: str, login: str) -> None:
    add_reader(connection, login)
    with connected(database_url, login) as reader:
        reader.execute("create temporary table mine ()")
        assert [(one.connected, one.connections) for one in list_readers(connection)] == [(1, 5)]
        remove_reader(connection, login)
        with pytest.raises(psycopg.OperationalError):
            reader.execute("select 1")
    assert connection.execute("select to_regrole(%s)", [login]).fetchone() == (None,)
    assert list_readers(connection) == []


def test_a_login_that_the_server_does_not_have_is_listed_and_can_be_removed(connection: Connection) -> None:
    connection.execute("insert into access.readers (login, sees_all) values ('of_another_server', true)")
    (restored,) = list_readers(connection)
    assert restored.connections is None
    remove_reader(connection, "of_another_server")
    assert list_readers(connection) == []


def test_what_is_no_name_no_tenant_or_taken_is_refused_and_nothing_is_made(connection: Connection, login: str) -> None:
    with pytest.raises(AccessError, match="cannot be a login"):
        add_reader(connection, 'ana"; drop table x')
    with pytest.raises(AccessError, match="There is no tenant nobody"):
        add_reader(connection, login, tenant="nobody")
    assert connection.execute("select to_regrole(%s)", [login]).fetchone() == (None,)
    with pytest.raises(AccessError, match="already has a user tickettape_reader"):
        add_reader(connection, "tickettape_reader")
    with pytest.raises(AccessError, match="not a login of"):
        remove_reader(connection, "tickettape_reader")


def test_without_a_port_it_says_how_to_get_one(connection: Connection) -> None:
    with pytest.raises(AccessError, match="EMBEDDED_PORT"):
        connection_string(connection, "ana")
