"""A connection to the warehouse: in UTC, with time-outs, and only where notifications come through."""

import psycopg
import pytest

from tickettape.database import Connection, Warehouse, connections


def test_a_connection_speaks_utc_and_waits_for_no_lock_for_ever(connection: Connection) -> None:
    def shown(setting: str) -> object:
        return (connection.execute("select current_setting(%s)", [setting]).fetchone() or (None,))[0]

    assert shown("timezone") == "UTC"
    assert shown("lock_timeout") == "1min"
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
