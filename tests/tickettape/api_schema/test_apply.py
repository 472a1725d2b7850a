"""Schema api is made once, follows what changed, and shows the reader what is served and nothing else."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.support.dbt_runs import run_dbt
from tests.support.markets import NOON, Section, add_event, observe
from tests.support.reader_questions import as_postgrest, claims_of
from tests.support.served_market import EVERYONE, LEFT, RIGHT, id_of
from tickettape.api_schema import (
    SERVED_RELATIONS,
    ApiNotReadyError,
    apply,
    apply_api_schema,
)
from tickettape.database import BusyError, Connection, Warehouse, lock_waits
from tickettape.rollups import ROLLUP_NAMES, ROLLUPS_ALONE
from tickettape.settings import Settings

VIEWS = SERVED_RELATIONS


@pytest.fixture
def reader(warehouse: Warehouse) -> Iterator[Connection]:
    """A session that has read every table and keeps its transaction open."""
    with warehouse.connect_to() as reader:
        for relation in ("market.captures", "market.events", "market.section_snapshots", "analytics.latest_prices"):
            reader.execute(f"select * from {relation}".encode())
        yield reader


def test_the_reader_reads_what_is_served_and_nothing_else(connection: Connection) -> None:
    claims = claims_of(connection, EVERYONE)
    for relation in ("access.api_keys", "access.tenants", "market.capture_payloads", "market.scraper_jobs"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_postgrest(connection, f"select * from {relation}", jwt_claims=claims)
    for change in (
        "delete from api.latest_prices",
        "update market.events set name = ''",
        "select access.enter('')",
        "select * from access.lease('', 1)",
        "create table api.mine ()",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_postgrest(connection, change, jwt_claims=claims)


def test_a_role_that_is_not_the_reader_is_shown_no_schema_of_ours(connection: Connection) -> None:
    name = sql.Identifier(f"stranger_{uuid4().hex[:8]}")
    connection.execute(sql.SQL("create role {}").format(name))
    try:
        for relation in ("api.latest_prices", "analytics.latest_prices", "market.events", "access.api_keys"):
            question = sql.SQL("set local role {}; select * from " + relation).format(name)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(question)
    finally:
        connection.execute(sql.SQL("drop role {}").format(name))


def test_an_unchanged_tick_changes_nothing_and_dbt_takes_nothing_along(connection: Connection) -> None:
    assert not apply_api_schema(connection, Settings())
    run_dbt("run")  # it makes its views anew
    assert not apply_api_schema(connection, Settings())
    claims = claims_of(connection, LEFT)
    assert all(as_postgrest(connection, f"select * from api.{view} limit 0", jwt_claims=claims) == [] for view in VIEWS)


def test_a_table_that_was_made_anew_gets_its_policies_and_views_again(connection: Connection) -> None:
    connection.execute(
        """create table analytics.remade as table analytics.latest_prices;
           drop table analytics.latest_prices cascade;
           alter table analytics.remade rename to latest_prices"""
    )
    run_dbt("run", "--select", "mv_latest_prices")  # the cascade took dbt's view along
    assert apply_api_schema(connection, Settings())
    rows = as_postgrest(connection, "select event_id from api.latest_prices", jwt_claims=claims_of(connection, RIGHT))
    assert {event for (event,) in rows} == {id_of(connection, "2")}


def test_a_changed_setting_is_applied(connection: Connection) -> None:
    assert apply_api_schema(connection, Settings(row_cap=5))
    assert not apply_api_schema(connection, Settings(row_cap=5))
    apply_api_schema(connection, Settings())


def test_it_waits_for_nobody_who_reads_the_tables(connection: Connection, reader: Connection) -> None:
    connection.execute("set lock_timeout = '1s'")
    assert apply_api_schema(connection, Settings(row_cap=5))
    assert reader.execute("select count(*) from market.captures").fetchone()


def test_where_a_policy_is_new_it_waits_shortly_keeps_what_was_and_names_the_reader(
    connection: Connection, reader: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_waits, "LOCK_WAIT_SECONDS", 0.6)
    monkeypatch.setattr(apply, "ATTEMPTS", 2)
    connection.execute("comment on policy rows_of_the_tenant on market.captures is 'another rule'")
    with pytest.raises(BusyError, match=rf"Applying schema api gave up.*Process {reader.info.backend_pid} of"):
        apply_api_schema(connection, Settings(row_cap=5))
    claims = claims_of(connection, LEFT)
    assert as_postgrest(connection, "select * from api.latest_prices limit 0", jwt_claims=claims) == []
    reader.rollback()
    assert apply_api_schema(connection, Settings(row_cap=5))


def test_a_role_of_postgrest_that_is_made_later_becomes_a_reader(connection: Connection) -> None:
    assert not apply_api_schema(connection, Settings())
    connection.execute("create role anon")
    try:
        assert apply_api_schema(connection, Settings())
        assert connection.execute("select pg_has_role('anon', 'tickettape_reader', 'usage')").fetchone() == (True,)
        assert not apply_api_schema(connection, Settings())
    finally:
        connection.execute("drop role anon")


def test_before_the_first_tick_it_says_what_to_do(connection: Connection) -> None:
    connection.execute("drop schema analytics cascade; create schema analytics")
    with pytest.raises(ApiNotReadyError, match="Run a tick"):
        apply_api_schema(connection, Settings())


def test_new_prices_change_the_events_version_and_no_others(warehouse: Warehouse, connection: Connection) -> None:
    one, two = id_of(connection, "1"), id_of(connection, "2")

    def versions() -> tuple[Any, ...]:
        return tuple(
            connection.execute("select api.data_version(%s), api.data_version(%s)", [one, two]).fetchone() or ()
        )

    before = versions()
    observe(connection, add_event(connection, "1"), NOON + timedelta(hours=5), Section("Lower", "101", [100]))
    run_dbt(*ROLLUPS_ALONE)
    after = versions()
    assert after[0] != before[0]
    assert after[1] == before[1]


@pytest.mark.parametrize("rollup", ROLLUP_NAMES)
def test_every_rollup_changes_the_version_of_its_event(connection: Connection, rollup: str) -> None:
    one, two = id_of(connection, "1"), id_of(connection, "2")
    asked = "select api.data_version(%s), api.data_version(%s)"
    before = connection.execute(asked, [one, two]).fetchone() or ()
    changed = connection.execute(f"update analytics.{rollup} set created_at = now() where event_id = %s", [one])
    after = connection.execute(asked, [one, two]).fetchone() or ()
    assert changed.rowcount
    assert (after[0] != before[0], after[1] == before[1]) == (True, True)
