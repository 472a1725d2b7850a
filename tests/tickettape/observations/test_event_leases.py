"""Leases: no event is in two hands, and nothing stays in a dead one."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.support.markets import NOON, TEN, add_event
from tickettape.database import Connection
from tickettape.observations import event_leases as leases
from tickettape.observations import scraper_jobs as jobs
from tickettape.resources import Warehouse

LENGTH = timedelta(seconds=20)
EVENTS = 6


@pytest.fixture
def other(warehouse: Warehouse) -> Iterator[Connection]:
    """Another worker's connection."""
    with warehouse.connection() as open_connection:
        yield open_connection


@pytest.fixture
def keys(connection: Connection) -> list[int]:
    """Events, all due at noon, in this order."""
    keys = [add_event(connection, str(number)) for number in range(EVENTS)]
    assert leases.plan(connection, NOON, "a plan", keys) == EVENTS
    return keys


def take(connection: Connection, job_id: UUID, most: int = EVENTS, length: timedelta = LENGTH) -> list[int]:
    return [e.event_key for e in leases.take(connection, "simulator", NOON, job_id, most=most, length=length)]


@pytest.mark.parametrize("guarded", [True, False], ids=["for_update_skip_locked", "control_without"])
def test_two_workers_that_take_at_the_same_moment_never_take_the_same_event(
    connection: Connection, other: Connection, keys: list[int], monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """The wait is injected: the first has taken and not committed when the second looks."""
    if not guarded:
        assert "for update skip locked" in leases.TAKE
        monkeypatch.setattr(leases, "TAKE", leases.TAKE.replace("for update skip locked", ""))
        other.execute("set lock_timeout = '200ms'")  # without the guard it runs into the first one's rows
        with connection.transaction():
            first = take(connection, uuid4(), 3)
            with pytest.raises(Exception, match="lock timeout"):
                take(other, uuid4(), 3)
        return
    with connection.transaction():
        first = take(connection, uuid4(), 3)
        second = take(other, uuid4(), 4)
    assert (first, second) == (keys[:3], keys[3:])


@pytest.mark.parametrize("guarded", [True, False], ids=["leased", "control_without"])
def test_what_one_has_in_hand_no_other_takes_later(
    connection: Connection, other: Connection, keys: list[int], monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        unguarded = leases.TAKE.replace("coalesce(leased_until, '-infinity') < clock_timestamp()", "true")
        assert unguarded != leases.TAKE
        monkeypatch.setattr(leases, "TAKE", unguarded)
    first, second = take(connection, uuid4(), 3), take(other, uuid4(), 3)
    assert (set(first) & set(second) == set()) is guarded


def test_an_expired_lease_is_taken_by_another_and_its_late_answer_is_not_stored(
    connection: Connection, other: Connection, keys: list[int]
) -> None:
    slow, quick = uuid4(), uuid4()
    assert take(connection, slow, length=timedelta(0)) == keys
    assert take(other, quick) == keys
    assert leases.finish(connection, slow, NOON, keys) == set()
    assert leases.finish(other, quick, NOON, keys) == set(keys)
    assert leases.left(connection, "simulator", NOON) == 0


def test_a_renewed_lease_stays(connection: Connection, other: Connection, keys: list[int]) -> None:
    job_id = uuid4()
    take(connection, job_id, length=timedelta(0))
    leases.renew(connection, job_id, NOON, LENGTH)
    assert take(other, uuid4()) == []


def test_workers_of_one_plan_ask_once_and_another_plan_asks_again_what_is_done_but_not_what_is_in_hand(
    connection: Connection, other: Connection, keys: list[int]
) -> None:
    job_id = uuid4()
    take(connection, job_id, 4)
    leases.finish(connection, job_id, NOON, keys[:2])
    assert leases.plan(other, NOON, "a plan", keys) == 0
    assert leases.plan(other, NOON, "another plan", keys) == 2
    assert take(other, uuid4()) == [*keys[:2], *keys[4:]]


def test_a_plan_never_waits_for_a_worker_that_is_storing(
    connection: Connection, other: Connection, keys: list[int]
) -> None:
    job_id = uuid4()
    take(connection, job_id, 3)
    other.execute("set lock_timeout = '200ms'")
    with connection.transaction():
        leases.finish(connection, job_id, NOON, keys[:3])
        assert leases.plan(other, NOON, "another plan", keys) == 0


def test_a_killed_workers_job_is_closed_and_its_events_are_free_at_once_a_living_ones_are_not(
    warehouse: Warehouse, connection: Connection, other: Connection, keys: list[int]
) -> None:
    alive = jobs.start(other, source="simulator", tick=NOON, run_id="alive")
    take(other, alive, 2)
    with warehouse.connection() as doomed:
        killed = jobs.start(doomed, source="simulator", tick=NOON, run_id="killed")
        take(doomed, killed, 2)
        assert jobs.close_killed(connection, "simulator") == []
        connection.execute("select pg_terminate_backend(%s, 5000)", [doomed.info.backend_pid])
    assert jobs.close_killed(connection, "elsewhere") == []
    assert jobs.close_killed(connection, "simulator") == [killed]
    leases.release(connection, [killed])
    assert take(connection, uuid4()) == keys[2:]
    jobs.finish(other, alive, succeeded=True, errors={})
    assert connection.execute("select run_id, status from market.scraper_jobs order by run_id").fetchall() == [
        ("alive", "success"),
        ("killed", "failed"),
    ]


def test_what_is_done_is_forgotten_a_day_later(connection: Connection, keys: list[int]) -> None:
    job_id = uuid4()
    take(connection, job_id, 4)
    leases.finish(connection, job_id, NOON, keys)
    leases.plan(connection, NOON + TEN, "next", [])
    assert connection.execute("select count(*) from market.leases").fetchone() == (EVENTS,)
    leases.plan(connection, NOON + timedelta(days=1) + TEN, "tomorrow", [])
    assert connection.execute("select count(*) from market.leases").fetchone() == (2,)
