"""A connection to the warehouse: in UTC, with time-outs, and only where notifications come through."""

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine, text

from tickettape.database import KEEPALIVES, Connection, Warehouse, connections, sqlalchemy_url


def test_a_connection_speaks_utc_and_waits_for_no_lock_for_ever(connection: Connection) -> None:
    def shown(setting: str) -> object:
        return (connection.execute("select current_setting(%s)", [setting]).fetchone() or (None,))[0]

    assert shown("timezone") == "UTC"
    assert shown("lock_timeout") == "1min"
    assert shown("statement_timeout") == "6h"
    assert shown("idle_in_transaction_session_timeout") == "10min"
    assert shown("application_name") == "tickettape"


def test_each_use_is_a_connection_of_its_own_that_is_closed_after_it(warehouse: Warehouse) -> None:
    with warehouse.connection() as one, warehouse.connection() as two:
        assert one.info.backend_pid != two.info.backend_pid
        assert one.autocommit
    assert one.closed
    assert two.closed


def test_a_server_whose_notifications_come_through_is_taken_and_one_that_swallows_them_is_refused(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections.check_session_mode(database_url)
    monkeypatch.setattr(connections, "NOTIFY_SECONDS", 0.1)
    monkeypatch.setattr(psycopg.Connection, "notifies", lambda *_, **__: iter(()))  # as a pooler between does
    with pytest.raises(RuntimeError, match="A notification does not come through"):
        connections.check_session_mode(database_url)


def test_a_roles_time_out_stops_none_of_our_statements(
    connection: Connection, warehouse: Warehouse, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGOPTIONS", raising=False)  # an earlier test's dbt leaves its own time-outs there
    (role,) = connection.execute("select current_user").fetchone() or ("",)
    connection.execute(f"alter role {role} in database {connection.info.dbname} set statement_timeout = '50ms'")
    with psycopg.connect(database_url) as plain, pytest.raises(psycopg.errors.QueryCanceled):  # control
        plain.execute("select pg_sleep(0.2)")
    with warehouse.connection() as ours:
        ours.execute("select pg_sleep(0.2)")
    engine = create_engine(sqlalchemy_url(database_url, driver="psycopg2"))  # Dagster's own
    with engine.connect() as dagsters:
        dagsters.execute(text("select pg_sleep(0.2)"))
    engine.dispose()


def test_a_lost_server_is_noticed_within_half_a_minute(connection: Connection, database_url: str) -> None:
    known = conninfo_to_dict(connection.info.dsn)
    assert {name: int(str(known[name])) for name in KEEPALIVES} == KEEPALIVES
    url = sqlalchemy_url(database_url, driver="psycopg2")
    assert all(f"{name}={value}" in url for name, value in KEEPALIVES.items())
