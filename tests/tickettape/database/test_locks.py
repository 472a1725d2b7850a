"""Locks that a process holds while it works."""

from datetime import timedelta

import pytest

from tickettape.database import (
    Connection,
    Warehouse,
    live_work,
    locks,
    try_lock,
    wait_for_lock,
    yield_to_live_work,
)


def test_a_lock_is_held_by_one_and_free_when_its_connection_is_gone(
    connection: Connection, warehouse: Warehouse
) -> None:
    with warehouse.connect_to() as other:
        other.autocommit = True
        with try_lock(other, "a piece of work") as held:
            assert held
            with try_lock(connection, "a piece of work") as mine:
                assert not mine
            with try_lock(connection, "another piece") as elsewhere:
                assert elsewhere
            other.close()
    with wait_for_lock(connection, "a piece of work", at_most=timedelta(seconds=10)) as mine:  # it is freed in a moment
        assert mine


def test_a_wait_ends_when_the_lock_is_freed_or_its_time_is_over(
    connection: Connection, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    with warehouse.connection() as other:
        holding = try_lock(other, "a piece of work")
        assert holding.__enter__()
        with wait_for_lock(connection, "a piece of work", at_most=timedelta(0)) as held:
            assert not held

        def look(seconds: float) -> None:
            looks.append(seconds)
            holding.__exit__(None, None, None)

        monkeypatch.setattr("tickettape.database.locks.time.sleep", look)
        with wait_for_lock(connection, "a piece of work", at_most=timedelta(minutes=1)) as held:
            assert held
    assert looks == [locks.LOOK_AGAIN_SECONDS]


@pytest.mark.race
def test_what_can_wait_does_so_while_a_live_tick_works_and_goes_on_when_it_has_ended(
    connection: Connection, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    yield_to_live_work(connection, at_most=timedelta(0))  # control: nobody works, and nothing is waited for
    with warehouse.connection() as one, warehouse.connection() as two:
        working = [live_work(one), live_work(two)]  # the ticks of two marketplaces at once
        for each in working:
            each.__enter__()

        def look(seconds: float) -> None:
            looks.append(seconds)
            working[len(looks) - 1].__exit__(None, None, None)

        monkeypatch.setattr("tickettape.database.locks.time.sleep", look)
        yield_to_live_work(connection)
    assert len(looks) == 2


def test_live_ticks_without_an_end_do_not_stop_a_backfill_for_good(
    connection: Connection, warehouse: Warehouse
) -> None:
    with warehouse.connection() as other, live_work(other):
        assert yield_to_live_work(connection, at_most=timedelta(milliseconds=50)) >= 0.05
