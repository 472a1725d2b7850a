"""Short waits for locks, and who is named as their holder."""

import threading

import psycopg
import pytest
from psycopg import sql

from tickettape.database import BusyError, Connection, Warehouse, lock_waits, with_short_lock_waits
from tickettape.database.lock_waits import lock_holders, watch_lock_holders


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tries of 600 ms each."""
    monkeypatch.setattr(lock_waits, "LOCK_WAIT_SECONDS", 0.6)
    monkeypatch.setattr(lock_waits, "LOCK_ATTEMPTS", 2)


@pytest.mark.usefixtures("impatient")
def test_a_step_that_gets_no_lock_gives_up_with_nothing_done_and_says_so(
    connection: Connection, warehouse: Warehouse
) -> None:
    tried = []

    def step() -> None:
        tried.append(1)
        connection.execute("create table market.half_done ()")
        connection.execute("lock table market.events in access exclusive mode")

    with warehouse.connection() as reader, reader.transaction():
        reader.execute("select * from market.events")
        pid = reader.info.backend_pid
        with pytest.raises(BusyError, match="The step gave up after 2 tries") as raised:
            with_short_lock_waits(connection, step, "The step")
    assert len(tried) == 2
    assert f"Process {pid} of user postgres (tickettape, idle in transaction since " in str(raised.value)
    assert "its last statement: select * from market.events. End its transaction" in str(raised.value)
    assert connection.execute("select to_regclass('market.half_done')").fetchone() == (None,)


@pytest.mark.usefixtures("impatient")
def test_a_step_is_tried_again_and_what_is_no_lock_is_not(connection: Connection, warehouse: Warehouse) -> None:
    tried = []
    with warehouse.connect_to() as reader:
        reader.execute("select * from market.events")

        def step() -> str:
            tried.append(1)
            if len(tried) == 2:
                reader.rollback()
            connection.execute("lock table market.events in access exclusive mode")
            return "done"

        assert with_short_lock_waits(connection, step, "The step") == "done"
    assert len(tried) == 2

    def wrong() -> None:
        tried.append(1)
        connection.execute("select * from nowhere")

    with pytest.raises(psycopg.errors.UndefinedTable):
        with_short_lock_waits(connection, wrong, "The step")
    assert len(tried) == 3


def test_who_waits_in_between_is_left_out_for_the_one_that_all_wait_for(
    connection: Connection, warehouse: Warehouse
) -> None:
    lock = sql.SQL("lock table market.events in {} mode")
    with warehouse.connection() as holder, warehouse.connection() as between, warehouse.connection() as last:
        with holder.transaction():
            holder.execute("select 1 from market.events")
            waiting = [
                threading.Thread(target=one.execute, args=[lock.format(sql.SQL("access exclusive"))], daemon=True)
                for one in (between, last)
            ]
            between.autocommit = last.autocommit = False
            assert lock_holders(connection, last.info.backend_pid) == []
            for thread, one in zip(waiting, (between, last), strict=True):
                thread.start()
                while not lock_holders(connection, one.info.backend_pid):
                    assert thread.is_alive()
            [told] = lock_holders(connection, last.info.backend_pid)
            assert told.startswith(f"Process {holder.info.backend_pid} of user ")
        waiting[0].join()
        between.rollback()
        waiting[1].join()
        last.rollback()


def test_a_wait_without_a_limit_is_said_with_the_holder(connection: Connection, warehouse: Warehouse) -> None:
    said: list[str] = []
    with warehouse.connection() as holder:
        holder.execute("select pg_advisory_lock(4711)")

        def say(holders: str) -> None:
            said.append(holders)
            holder.execute("select pg_advisory_unlock(4711)")

        with watch_lock_holders(connection, after=0.05, say=say):
            connection.execute("select pg_advisory_lock(4711)")
        assert [f"Process {holder.info.backend_pid} of user" in one for one in said] == [True]
