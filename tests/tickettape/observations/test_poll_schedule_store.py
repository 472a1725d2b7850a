"""What is known of an event, and what was decided, in the database."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.markets import NOON, TEN, Section, add_event, observe
from tests.support.polled_events import sight_of
from tickettape.catalogue import ADD_EVENT_VIEWS
from tickettape.database import Connection, ensure_partitions
from tickettape.observations import (
    Capture,
    newest_poll_schedule,
    poll_summary,
    stale_events,
    store_captures,
)
from tickettape.observations.poll_schedule import (
    PollRules,
    plan_polls,
)
from tickettape.observations.poll_schedule_store import MOST_FAILURES

HOUR = timedelta(hours=1)


def row_of(connection: Connection, key: int) -> dict[str, Any]:
    return next(one for one in newest_poll_schedule(connection, "simulator") if one["event_key"] == key)


def capture(connection: Connection, key: int, tick: datetime, status: str) -> None:
    ensure_partitions(connection, [tick])
    store_captures(connection, [Capture(key, tick, status)], None)


def test_what_moved_is_the_share_of_sections_that_changed_between_the_newest_two_ok_captures(
    connection: Connection,
) -> None:
    key = add_event(connection)
    same, dearer, gone, new = (
        Section("Lower", "101"), Section("Lower", "102", [1000]), Section("Lower", "103"), Section("Upper", "201")
    )  # fmt: skip
    observe(connection, key, NOON - 5 * TEN, gone)
    observe(connection, key, NOON - 4 * TEN, same, dearer, gone)
    observe(connection, key, NOON - 3 * TEN, same, status="partial")  # says nothing of what is gone
    observe(connection, key, NOON - 2 * TEN, same, replace(dearer, prices=[1001]), new)
    observe(connection, key, NOON, Section("Late", "1"))  # the tick itself is not known yet
    activity = sight_of(connection, key)
    assert activity.moved_per_hour == pytest.approx(3 / 4 / (2 / 6))  # three of four, in 20 minutes
    assert (activity.polled_tick, activity.failures_in_a_row) == (NOON - 2 * TEN, 0)


@pytest.mark.parametrize("date_status", ["date_tbd", "postponed"])
def test_an_event_without_a_date_is_polled_hourly_after_the_others_and_what_it_is_is_said(
    connection: Connection, date_status: str
) -> None:
    undated = add_event(connection, "1", date=None, date_status=date_status)
    dated = add_event(connection, "2", date=NOON + 90 * 24 * HOUR)
    for key in (undated, dated):
        observe(connection, key, NOON - 2 * TEN, Section("Lower", "101", [1000] * 30))
        observe(connection, key, NOON - TEN, Section("Lower", "101", [1000] * 30))
    connection.execute("update market.captures set counted_tickets = 400")
    asked = {
        plan_polls(connection, "simulator", NOON + number * TEN, PollRules(TEN))[-1:] == [undated]
        for number in range(6)
    }
    assert True in asked
    row = row_of(connection, undated)
    assert row["interval_minutes"] == 60
    assert row["reason"] in ("its date is to be determined", "postponed, without a new date")
    assert not [one for one in stale_events(connection, "simulator", NOON) if one["event"] == undated]


def test_an_event_whose_time_is_unknown_is_polled_at_every_tick_of_its_day(connection: Connection) -> None:
    """Its placeholder, 03:30 in Chicago, was hours ago: the dearest hours are still to come."""
    key = add_event(connection, date=NOON - 4 * HOUR, date_status="time_tbd")
    for number in range(12):
        tick = NOON + number * HOUR
        assert plan_polls(connection, "simulator", tick, PollRules(TEN)) == [key]
        observe(connection, key, tick, Section("Lower", "101"))
    assert plan_polls(connection, "simulator", NOON + 18 * HOUR, PollRules(TEN)) == []  # midnight there


def test_failures_count_from_the_newest_success_and_what_was_not_asked_is_none(connection: Connection) -> None:
    key, other = add_event(connection, "1"), add_event(connection, "2")
    for back, status in ((6, "failed"), (5, "received"), (4, "missing"), (3, "missed"), (2, "blocked"), (1, "missed")):
        capture(connection, key, NOON - back * TEN, status)
    activity = sight_of(connection, key)
    assert (activity.failures_in_a_row, activity.polled_tick) == (2, NOON - 2 * TEN)
    for back in range(1, 20):
        capture(connection, other, NOON - back * TEN, "failed")
    assert sight_of(connection, other).failures_in_a_row == MOST_FAILURES
    connection.execute("update market.captures set status = 'rejected' where event_key = %s", [other])
    assert sight_of(connection, other).failures_in_a_row == 0  # its answers can be replayed once we understand them


def record_views(connection: Connection, views: dict[int, int], at: datetime) -> None:
    ids: dict[Any, Any] = dict(connection.execute("select event_key, id from market.events").fetchall())
    asked = {"ids": [ids.get(key, uuid4()) for key in views], "counts": list(views.values()), "at": at}
    connection.execute(ADD_EVENT_VIEWS, asked)


def test_a_tick_decides_on_every_watched_event_and_shows_what_it_decided_and_why(connection: Connection) -> None:
    add_event(connection, "past", date=NOON - HOUR)
    far, near = add_event(connection, "far"), add_event(connection, "near", date=NOON + HOUR)
    elsewhere = add_event(connection, "far", "elsewhere")
    for key in (far, near):
        for back in (2, 1):
            observe(connection, key, NOON - back * TEN, Section("Lower", "101", [1000] * 100))
    connection.execute("update market.captures set counted_tickets = 200")
    rules = PollRules(TEN)
    assert plan_polls(connection, "simulator", NOON, rules) == [near]
    assert plan_polls(connection, "simulator", NOON, rules) == [near]  # the same tick again: the same
    assert plan_polls(connection, "elsewhere", NOON, rules) == [elsewhere]
    shown = row_of(connection, far)
    assert (shown["due_tick"], shown["interval_minutes"], shown["reason"]) == (NOON + 4 * TEN, 60, "far and still")
    assert (row_of(connection, near)["due_tick"], row_of(connection, near)["reason"]) == (NOON + TEN, "begins in 1 h")
    assert plan_polls(connection, "simulator", NOON + 4 * TEN, rules) == [near, far]
    summary = poll_summary(connection, "simulator", NOON)
    assert (summary.watched, summary.deferred, summary.by_interval) == (2, 0, {"10 min": 1, "60 min": 1})


def test_what_the_requests_do_not_cover_is_put_off_said_so_and_comes_next(connection: Connection) -> None:
    keys = [add_event(connection, str(number)) for number in range(3)]
    rules = PollRules(TEN, most=2)
    connection.execute("update market.events set created_at = %s", [NOON])
    first = plan_polls(connection, "simulator", NOON, rules)
    assert first == keys[:2]
    assert row_of(connection, keys[2])["deferred"]
    for key in first:
        capture(connection, key, NOON, "received")
    assert plan_polls(connection, "simulator", NOON + TEN, rules)[0] == keys[2]
    assert poll_summary(connection, "simulator", NOON + TEN).deferred == 1


def test_an_event_that_is_watched_no_longer_has_no_decision(connection: Connection) -> None:
    key, other = add_event(connection, "1"), add_event(connection, "1", "elsewhere")
    for source in ("simulator", "elsewhere"):
        plan_polls(connection, source, NOON, PollRules(TEN))
    connection.execute("update market.events set active = false")
    assert plan_polls(connection, "simulator", NOON, PollRules(TEN)) == []
    assert connection.execute("select event_key from market.poll_schedule").fetchall() == [(other,)]
    assert key != other


def test_an_event_is_stale_after_twice_its_own_interval(connection: Connection) -> None:
    far, near = (
        add_event(connection, "far", name="Far"),
        add_event(connection, "near", name="Near", date=NOON + 9 * HOUR),
    )
    connection.execute("update market.events set created_at = %s", [NOON - 24 * HOUR])

    def stale(now: datetime) -> list[str]:
        return [one["event"] for one in stale_events(connection, "simulator", now)]

    for key in (far, near):
        observe(connection, key, NOON - HOUR, Section("Lower", "101"))
        observe(connection, key, NOON, Section("Lower", "101", [1000] * 100))
        observe(connection, key, NOON + TEN, Section("Lower", "101", [1000] * 100))
    connection.execute("update market.captures set counted_tickets = 200")
    plan_polls(connection, "simulator", NOON + 2 * TEN, PollRules(TEN))
    assert stale(NOON + 2 * TEN) == []
    assert stale(NOON + 4 * TEN) == ["Near"]
    assert stale(NOON + 7 * TEN) == ["Near"]
    assert stale(NOON + 3 * HOUR) == ["Far", "Near"]
    capture(connection, near, NOON + 3 * HOUR, "failed")  # no ok capture: stale as before
    assert stale(NOON + 3 * HOUR) == ["Far", "Near"]
    observe(connection, near, NOON + 3 * HOUR + TEN, Section("Lower", "101"))
    assert stale(NOON + 3 * HOUR + TEN) == ["Far"]


def test_an_event_is_judged_from_when_it_became_known_not_from_the_grid_time_of_its_first_tick(
    connection: Connection,
) -> None:
    key = add_event(connection)
    started = NOON + TEN - timedelta(seconds=20)  # and its first tick is filed under noon
    connection.execute("update market.events set created_at = %s", [started])
    observe(connection, key, NOON, Section("Lower", "101"))
    plan_polls(connection, "simulator", NOON + TEN, PollRules(TEN))
    assert stale_events(connection, "simulator", started + 2 * TEN) == []
    assert len(stale_events(connection, "simulator", started + 2 * TEN + timedelta(seconds=1))) == 1


def test_an_event_that_starts_to_move_is_not_stale_for_having_been_asleep(connection: Connection) -> None:
    key = add_event(connection)
    connection.execute("update market.events set created_at = %s", [NOON - 24 * HOUR])
    for back in (12, 5):
        observe(connection, key, NOON - back * TEN, Section("Lower", "101", [1000] * 100))
    connection.execute("update market.captures set counted_tickets = 200")
    assert plan_polls(connection, "simulator", NOON - 4 * TEN, PollRules(TEN)) == []
    assert row_of(connection, key)["due_tick"] == NOON - TEN
    record_views(connection, {key: 50}, NOON - HOUR)
    assert plan_polls(connection, "simulator", NOON - 2 * TEN, PollRules(TEN)) == [key]
    assert stale_events(connection, "simulator", NOON - 2 * TEN) == []
    plan_polls(connection, "simulator", NOON - TEN, PollRules(TEN))  # it was not captured
    assert [one["minutes"] for one in stale_events(connection, "simulator", NOON - TEN)] == [10]
