"""A database whose owner is no superuser, with the roles that Supabase has: as a hosted PostgreSQL is."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest

from tests.support.databases import use_database
from tests.support.dbt_runs import run_dbt
from tests.support.markets import NOON, Section, add_event, observe
from tests.support.served_market import id_of, serving
from tickettape.api_schema import (
    add_reader,
    apply_api_schema,
    create_key,
    create_tenant,
    ensure_reader_role,
    remove_reader,
    watch_events,
)
from tickettape.database import Connection, UnavailableDatabaseError, Warehouse, with_database
from tickettape.database.migrations import upgrade_database
from tickettape.settings import Settings

SUPABASE_ROLES = ("anon", "authenticated", "authenticator", "service_role")


@pytest.fixture
def owner(server_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty database as its owner, who may make roles and nothing more."""
    parts = urlsplit(with_database(server_url, "owned"))
    url = urlunsplit(parts._replace(netloc=f"plain_owner@{parts.netloc.rpartition('@')[2]}"))
    with psycopg.connect(server_url, autocommit=True) as superuser:
        ensure_reader_role(superuser)
        superuser.execute("create role plain_owner login createrole")
        superuser.execute("create database owned owner plain_owner")
        for role in ("tickettape_reader", *SUPABASE_ROLES):
            if role in SUPABASE_ROLES:
                superuser.execute(f"create role {role} {'noinherit' if role == 'authenticator' else ''}")
            # as if the owner had made them
            superuser.execute(f"grant {role} to plain_owner with admin option, inherit false, set false")
        superuser.execute("grant anon, authenticated, service_role to authenticator")
        try:
            use_database(monkeypatch, url)
            yield url
        finally:
            superuser.execute("drop database owned with (force)")
            superuser.execute("drop owned by plain_owner cascade")
            superuser.execute(f"drop role {', '.join(SUPABASE_ROLES)}, plain_owner")


def test_the_owner_applies_it_and_serves_and_supabases_roles_see_what_their_key_sees(owner: str) -> None:
    upgrade_database(owner)
    with Warehouse().connection() as connection:
        for event in ("1", "2"):
            observe(connection, add_event(connection, event), NOON, Section("Floor", "1"))
        run_dbt("run")
        assert apply_api_schema(connection, Settings())
        assert not apply_api_schema(connection, Settings())
        create_tenant(connection, "one", sees_all=False)
        watch_events(connection, "one", [id_of(connection, "1")])
        key = create_key(connection, "one")
        with serving(owner) as url:
            seen = httpx.get(f"{url}/api/events", headers={"x-api-key": key}).json()["data"]
        assert [event["external_id"] for event in seen] == ["1"]
        assert _as(connection, "anon", key) == [(id_of(connection, "1"),)]
        assert _as(connection, "anon", "tt_unknown") == []
        add_reader(connection, "plain_reader", tenant="one")
        parts = urlsplit(owner)
        url = urlunsplit(parts._replace(netloc=parts.netloc.replace("plain_owner", "plain_reader")))
        reader = psycopg.connect(url)
        assert reader.execute("select event_id from latest_prices").fetchall() == [(id_of(connection, "1"),)]
        remove_reader(connection, "plain_reader")  # its open connection is ended
        reader.close()
        assert connection.execute("select to_regrole('plain_reader')").fetchone() == (None,)


def test_an_owner_who_may_not_make_roles_is_told_what_to_ask_for(owner: str, server_url: str) -> None:
    upgrade_database(owner)
    with psycopg.connect(server_url, autocommit=True) as superuser, Warehouse().connection() as connection:
        run_dbt("run")
        superuser.execute("alter role plain_owner nocreaterole")
        with pytest.raises(UnavailableDatabaseError) as refused:
            apply_api_schema(connection, Settings())
        what, said, remedy = str(refused.value).splitlines()
        assert what.startswith("The database user plain_owner lacks a right")
        assert said == "Postgres says: permission denied to alter role."
        superuser.execute(remedy.split("`")[1].encode())
        assert apply_api_schema(connection, Settings())


def _as(connection: Connection, role: str, key: str) -> list[tuple[object, ...]]:
    with connection.transaction():
        connection.execute("select set_config('request.headers', %s, true)", [json.dumps({"x-api-key": key})])
        connection.execute(f"grant {role} to current_user")
        connection.execute(f"set local role {role}")
        return connection.execute("select event_id from api.latest_prices").fetchall()
