"""Leases: no event is in two hands, and nothing stays in a dead one."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.support.markets import NOON, TEN, add_event
from tickettape.database import Connection, Warehouse
from tickettape.observations import event_leases as leases
from tickettape.observations.event_leases import (
    TAKE_LEASES,
    finish_leases,
    leases_left,
    plan_leases,
    release_leases,
    renew_leases,
    take_leases,
)
from tickettape.observations.scraper_jobs import close_killed_jobs, finish_job, start_job

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
    assert plan_leases(connection, NOON, "a plan", keys) == EVENTS
    return keys


def take(connection: Connection, job_id: UUID, most: int = EVENTS, length: timedelta = LENGTH) -> list[int]:
    return [e.event_key for e in take_leases(connection, "simulator", NOON, job_id, most=most, length=length)]


@pytest.mark.parametrize("guarded", [True, False], ids=["for_update_skip_locked", "control_without"])
@pytest.mark.race
def test_two_workers_that_take_at_the_same_moment_never_take_the_same_event(
    connection: Connection, other: Connection, keys: list[int], monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """The wait is injected: the first has taken and not committed when the second looks."""
    if not guarded:
        assert "for update skip locked" in TAKE_LEASES
        monkeypatch.setattr(leases, "TAKE_LEASES", TAKE_LEASES.replace("for update skip locked", ""))
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
@pytest.mark.race
def test_what_one_has_in_hand_no_other_takes_later(
    connection: Connection, other: Connection, keys: list[int], monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        unguarded = TAKE_LEASES.replace("coalesce(leased_until, '-infinity') < clock_timestamp()", "true")
        assert unguarded != TAKE_LEASES
        monkeypatch.setattr(leases, "TAKE_LEASES", unguarded)
    first, second = take(connection, uuid4(), 3), take(other, uuid4(), 3)
    assert (set(first) & set(second) == set()) is guarded


def test_an_expired_lease_is_taken_by_another_and_its_late_answer_is_not_stored(
    connection: Connection, other: Connection, keys: list[int]
) -> None:
    slow, quick = uuid4(), uuid4()
    assert take(connection, slow, length=timedelta(0)) == keys
    assert take(other, quick) == keys
    assert finish_leases(connection, slow, NOON, keys) == set()
    assert finish_leases(other, quick, NOON, keys) == set(keys)
    assert leases_left(connection, "simulator", NOON) == 0


def test_a_renewed_lease_stays(connection: Connection, other: Connection, keys: list[int]) -> None:
    job_id = uuid4()
    take(connection, job_id, length=timedelta(0))
    renew_leases(connection, job_id, NOON, LENGTH)
    assert take(other, uuid4()) == []


def test_workers_of_one_plan_ask_once_and_another_plan_asks_again_what_is_done_but_not_what_is_in_hand(
    connection: Connection, other: Connection, keys: list[int]
) -> None:
    job_id = uuid4()
    take(connection, job_id, 4)
    finish_leases(connection, job_id, NOON, keys[:2])
    assert plan_leases(other, NOON, "a plan", keys) == 0
    assert plan_leases(other, NOON, "another plan", keys) == 2
    assert take(other, uuid4()) == [*keys[:2], *keys[4:]]


def test_a_plan_never_waits_for_a_worker_that_is_storing(
    connection: Connection, other: Connection, keys: list[int]
) -> None:
    job_id = uuid4()
    take(connection, job_id, 3)
    other.execute("set lock_timeout = '200ms'")
    with connection.transaction():
        finish_leases(connection, job_id, NOON, keys[:3])
        assert plan_leases(other, NOON, "another plan", keys) == 0


def test_a_killed_workers_job_is_closed_and_its_events_are_free_at_once_a_living_ones_are_not(
    warehouse: Warehouse, connection: Connection, other: Connection, keys: list[int]
) -> None:
    alive = start_job(other, source="simulator", tick=NOON, run_id="alive")
    take(other, alive, 2)
    with warehouse.connection() as doomed:
        killed = start_job(doomed, source="simulator", tick=NOON, run_id="killed")
        take(doomed, killed, 2)
        assert close_killed_jobs(connection, "simulator") == []
        connection.execute("select pg_terminate_backend(%s, 5000)", [doomed.info.backend_pid])
    assert close_killed_jobs(connection, "elsewhere") == []
    assert close_killed_jobs(connection, "simulator") == [killed]
    release_leases(connection, [killed])
    assert take(connection, uuid4()) == keys[2:]
    finish_job(other, alive, succeeded=True, errors={})
    assert connection.execute("select run_id, status from market.scraper_jobs order by run_id").fetchall() == [
        ("alive", "success"),
        ("killed", "failed"),
    ]


def test_what_is_done_is_forgotten_a_day_later(connection: Connection, keys: list[int]) -> None:
    job_id = uuid4()
    take(connection, job_id, 4)
    finish_leases(connection, job_id, NOON, keys)
    plan_leases(connection, NOON + TEN, "next", [])
    assert connection.execute("select count(*) from market.leases").fetchone() == (EVENTS,)
    plan_leases(connection, NOON + timedelta(days=1) + TEN, "tomorrow", [])
    assert connection.execute("select count(*) from market.leases").fetchone() == (2,)
