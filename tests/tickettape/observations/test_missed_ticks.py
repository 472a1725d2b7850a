"""A tick that never ran leaves rows that say so, and one that did leaves none beside its own."""

from datetime import timedelta
from uuid import uuid4

from tests.support.markets import NOON, TEN, Section, add_event, observe
from tickettape.database import Connection
from tickettape.observations import Capture, record_missed_ticks, store_captures
from tickettape.observations.event_leases import plan_leases, take_leases


def decide(connection: Connection, event: int, due_in_ticks: int) -> None:
    """What was decided at noon about an event."""
    connection.execute(
        """insert into market.poll_schedule (event_key, decided_at, due_tick, polled_tick, interval_minutes, deferred,
               advanced, failures_in_a_row, views, reason)
           values (%s, %s, %s, %s, 10, false, false, 0, 0, 'a test')""",
        [event, NOON + timedelta(seconds=5), NOON + due_in_ticks * TEN, NOON],
    )


def statuses(connection: Connection, event: int) -> list[tuple[int, str]]:
    """The ticks since noon, counted, and the status of each capture."""
    rows = connection.execute(
        "select tick, status from market.captures where event_key = %s order by tick", [event]
    ).fetchall()
    return [((tick - NOON) // TEN, status) for tick, status in rows]


def test_what_was_due_while_the_machine_slept_is_missed_and_what_was_not_due_is_not(connection: Connection) -> None:
    often, seldom = add_event(connection), add_event(connection, "2")
    for event, due in ((often, 1), (seldom, 3)):
        observe(connection, event, NOON, Section("Lower", "101"))
        decide(connection, event, due)
    missed = record_missed_ticks(connection, "simulator", NOON + 4 * TEN, TEN)
    assert missed == {NOON + TEN: 1, NOON + 2 * TEN: 1, NOON + 3 * TEN: 2}
    assert statuses(connection, often) == [(0, "ok"), (1, "missed"), (2, "missed"), (3, "missed")]
    assert statuses(connection, seldom) == [(0, "ok"), (3, "missed")]
    notes = connection.execute("select distinct note from market.captures where tick = %s", [NOON + TEN]).fetchall()
    assert notes == [("An evening was due at 2026-11-20 12:10 UTC, and no tick ran then",)]
    assert record_missed_ticks(connection, "simulator", NOON + 4 * TEN, TEN) == {}


def test_an_event_without_a_date_misses_what_was_due_like_any_other(connection: Connection) -> None:
    event = add_event(connection)
    observe(connection, event, NOON, Section("Lower", "101"))
    decide(connection, event, 1)
    connection.execute("update market.events set date = null, date_status = 'postponed'")
    assert record_missed_ticks(connection, "simulator", NOON + 2 * TEN, TEN) == {NOON + TEN: 1}


def test_ticks_that_ran_one_after_the_other_missed_nothing(connection: Connection) -> None:
    event = add_event(connection)
    observe(connection, event, NOON, Section("Lower", "101"))
    decide(connection, event, 1)
    assert record_missed_ticks(connection, "simulator", NOON + TEN, TEN) == {}
    assert statuses(connection, event) == [(0, "ok")]


def test_a_program_that_was_off_for_longer_than_a_day_missed_nothing(connection: Connection) -> None:
    event = add_event(connection)
    observe(connection, event, NOON, Section("Lower", "101"))
    decide(connection, event, 1)
    assert record_missed_ticks(connection, "simulator", NOON + timedelta(days=1, minutes=10), TEN) == {}


def test_another_marketplaces_ticks_are_its_own(connection: Connection) -> None:
    event = add_event(connection)
    observe(connection, event, NOON, Section("Lower", "101"))
    decide(connection, event, 1)
    assert record_missed_ticks(connection, "vividseats", NOON + 3 * TEN, TEN) == {}


def test_a_missed_tick_that_is_captured_after_all_is_captured(connection: Connection) -> None:
    event = add_event(connection)
    observe(connection, event, NOON, Section("Lower", "101"))
    decide(connection, event, 1)
    record_missed_ticks(connection, "simulator", NOON + 2 * TEN, TEN)
    store_captures(connection, [Capture(event, NOON + TEN, "missing")], job_id=None)
    assert statuses(connection, event) == [(0, "ok"), (1, "missing")]


def test_what_a_tick_planned_and_its_run_was_cut_before_it_asked_is_missed(connection: Connection) -> None:
    asked, planned = add_event(connection), add_event(connection, "2")
    for event in (asked, planned):
        observe(connection, event, NOON, Section("Lower", "101"))
    plan_leases(connection, NOON + TEN, "a run", [asked, planned])
    store_captures(connection, [Capture(asked, NOON + TEN, "ok")], job_id=None)
    assert record_missed_ticks(connection, "vividseats", NOON + 2 * TEN, TEN) == {}
    assert record_missed_ticks(connection, "simulator", NOON + 2 * TEN, TEN) == {NOON + TEN: 1}
    assert statuses(connection, asked) == [(0, "ok"), (1, "ok")]
    assert statuses(connection, planned) == [(0, "ok"), (1, "missed")]
    assert record_missed_ticks(connection, "simulator", NOON + 2 * TEN, TEN) == {}


def test_what_a_worker_still_has_in_hand_is_not_missed(connection: Connection) -> None:
    in_hand, waiting = add_event(connection), add_event(connection, "2")
    for event in (in_hand, waiting):
        observe(connection, event, NOON, Section("Lower", "101"))
    plan_leases(connection, NOON + TEN, "a run", [in_hand, waiting])
    take_leases(connection, "simulator", NOON + TEN, uuid4(), most=1, length=TEN)
    assert record_missed_ticks(connection, "simulator", NOON + 2 * TEN, TEN) == {}
