"""When to poll an event: the decision as a table, a week of a thousand events, and what is known from the tables."""

import random
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from tests.support.markets import NOON, TEN, Section, add_event, observe
from tickettape.catalogue import ADD_EVENT_VIEWS, delete_event_views_before
from tickettape.cli import app
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import (
    Capture,
    newest_poll_schedule,
    poll_rules,
    poll_summary,
    stale_events,
    store_captures,
)
from tickettape.observations.poll_schedule import (
    LONGEST,
    PollRules,
    choose_polls,
    decide_poll,
    longest_wait,
    plan_polls,
    poll_urgency,
)
from tickettape.observations.poll_schedule_store import MOST_FAILURES, EventActivity, PollDecision, event_activity
from tickettape.observations.tick_capture import plan_tick
from tickettape.settings import Settings

HOUR = timedelta(hours=1)
STILL = EventActivity(1, NOON + 90 * 24 * HOUR, NOON - 30 * 24 * HOUR, NOON - TEN, None, 0, 0.0, 400, 0)


def minutes(activity: EventActivity, every: timedelta = TEN) -> int:
    return decide_poll(activity, NOON, every).interval // timedelta(minutes=1)


@pytest.mark.parametrize(
    ("known", "expected", "reason"),
    [
        ({}, 60, "far and still"),
        ({"tickets": 0}, 60, "far and sold out"),
        ({"date": NOON + 5 * HOUR}, 10, "begins in 5 h"),
        ({"date": NOON + 24 * HOUR}, 10, "begins in 24 h"),
        ({"date": NOON + 72 * HOUR}, 30, "begins in 72 h"),
        ({"date": NOON + 24 * HOUR, "tickets": 0}, 10, "begins in 24 h"),
        ({"moved_per_hour": 1.8}, 10, "1.8 changes per section and hour"),
        ({"moved_per_hour": 0.3}, 20, "0.3 changes per section and hour"),
        ({"moved_per_hour": 0.05}, 60, "far and still"),
        ({"views": 1}, 30, "viewed 1 times in a day"),
        ({"views": 100}, 10, "viewed 100 times in a day"),
        ({"tickets": 50}, 30, "50 tickets left"),
        ({"polled_tick": None, "tickets": None}, 10, "not seen yet"),
        ({"tickets": None}, 10, "not seen yet"),
        ({"moved_per_hour": 1.8, "failures_in_a_row": 1}, 10, "1.8 changes per section and hour"),
        ({"moved_per_hour": 1.8, "failures_in_a_row": 2}, 20, "2 failures in a row; otherwise: 1.8 changes"),
        ({"moved_per_hour": 1.8, "failures_in_a_row": 3}, 40, "3 failures in a row"),
        ({"moved_per_hour": 1.8, "failures_in_a_row": 12}, 60, "12 failures in a row"),
        ({"tickets": None, "failures_in_a_row": 12}, 60, "12 failures in a row; otherwise: not seen yet"),
    ],
)
def test_what_is_known_of_an_event_decides_how_often_it_is_looked_at_and_the_reason_is_told(
    known: dict[str, Any], expected: int, reason: str
) -> None:
    decision = decide_poll(replace(STILL, **known), NOON, TEN)
    assert decision.interval == timedelta(minutes=expected)
    assert decision.reason.startswith(reason)


@pytest.mark.parametrize("every", [10, 12, 15, 20])
def test_every_interval_is_a_multiple_of_the_ticks_and_at_most_an_hour(every: int) -> None:
    for hours in range(1, 200):
        interval = minutes(replace(STILL, date=NOON + hours * HOUR), timedelta(minutes=every))
        assert every <= interval <= 60
        assert interval % every == 0


def test_an_event_is_due_within_its_interval_and_those_of_one_interval_are_spread_over_its_ticks() -> None:
    due = Counter(decide_poll(replace(STILL, event_key=key), NOON, TEN).due_tick for key in range(60))
    assert due == {STILL.polled_tick + step * TEN: 10 for step in range(1, 7)}  # type: ignore[operator]
    every_tick = replace(STILL, moved_per_hour=9.0)
    assert decide_poll(every_tick, NOON, TEN).due_tick == NOON
    then = decide_poll(STILL, NOON, TEN).due_tick
    assert decide_poll(replace(STILL, polled_tick=then), NOON, TEN).due_tick == then + HOUR  # its rhythm from then on


def test_an_event_that_was_never_looked_at_is_due_at_once() -> None:
    new = replace(STILL, polled_tick=None, tickets=None, known_since=NOON + timedelta(minutes=3))
    assert decide_poll(new, NOON, TEN).due_tick == NOON  # tracked while the tick was planned


def test_an_event_that_starts_to_move_is_hurried_for_one_tick_and_not_when_it_waits_on() -> None:
    asleep = replace(STILL, event_key=4, polled_tick=NOON - 4 * TEN, due_tick=NOON + 2 * TEN)
    assert decide_poll(asleep, NOON, TEN).due_tick == asleep.due_tick
    assert not decide_poll(asleep, NOON, TEN).advanced
    assert decide_poll(replace(asleep, moved_per_hour=2.0), NOON, TEN).advanced
    waiting = replace(asleep, moved_per_hour=2.0, due_tick=NOON - TEN)
    assert not decide_poll(waiting, NOON, TEN).advanced


def decision(key: int, interval: timedelta, waited: timedelta) -> PollDecision:
    activity = replace(STILL, event_key=key, polled_tick=NOON - waited)
    return PollDecision(activity, interval, NOON - waited + interval, "", False)


def test_what_waited_for_most_of_its_own_intervals_comes_first_then_what_is_looked_at_most_often() -> None:
    overdue, hot, still = decision(1, HOUR, 3 * HOUR), decision(2, TEN, 2 * TEN), decision(3, HOUR, HOUR)
    hotter = decision(4, TEN, TEN)
    assert [poll_urgency(one, NOON) for one in (overdue, hot, still)] == [3, 2, 1]
    assert choose_polls([still, hotter, hot, overdue], NOON, PollRules(TEN)) == [1, 2, 4, 3]
    assert choose_polls([still, hotter, hot, overdue], NOON, PollRules(TEN, most=2)) == [1, 2]


@dataclass
class Week:
    """A thousand events through a week of ticks: near and far ones, restless and still ones, failing and viewed ones.

    What `decide` and `choose` are told is made up; what they decide is what happens.
    """

    most: int | None
    choose: Callable[[Collection[PollDecision], datetime, PollRules], list[int]] = choose_polls
    ticks: int = 7 * 144
    events: int = 1000
    waits: dict[int, timedelta] = field(default_factory=dict)
    polled: list[int] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    longest_of_interval: dict[timedelta, timedelta] = field(default_factory=dict)

    def run(self) -> "Week":
        fate = random.Random(7)
        rules = PollRules(TEN, self.most)
        activities = {}
        for key in range(self.events):
            date = NOON + timedelta(hours=fate.choice([3, 40, 170, 900, 2000]) + fate.random() * 24)
            moves = fate.choice([0.0, 0.0, 0.02, 0.2, 2.0])
            activities[key] = EventActivity(
                key, date, NOON, None, None, 0, moves, fate.choice([0, 20, 400, 4000]), fate.choice([0] * 9 + [3])
            )
        tick = NOON
        since = dict.fromkeys(activities, NOON)
        for _ in range(self.ticks):
            activities = {
                key: activity for key, activity in activities.items() if activity.date > tick
            }  # past ones never
            decisions = [decide_poll(activity, tick, TEN) for activity in activities.values()]
            self.loads.append(sum(TEN / one.interval for one in decisions))
            chosen = self.choose([one for one in decisions if one.due_tick <= tick], tick, rules)
            self.polled.append(len(chosen))
            taken = set(chosen)
            for one in decisions:
                key = one.activity.event_key
                wait = tick - since[key]
                self.waits[key] = max(self.waits.get(key, wait), wait)
                known = self.longest_of_interval.get(one.interval, wait)
                self.longest_of_interval[one.interval] = max(known, wait)
                if key in taken:
                    since[key] = tick
                    failed = fate.random() < (0.9 if key % 50 == 0 else 0.02)
                    failures = one.activity.failures_in_a_row + 1 if failed else 0
                    activities[key] = replace(one.activity, polled_tick=tick, failures_in_a_row=failures)
            tick += TEN
        return self


def test_a_thousand_events_whose_requests_cover_all_are_each_seen_within_their_own_interval() -> None:
    week = Week(most=1000, ticks=144).run()
    for interval, wait in week.longest_of_interval.items():
        assert wait <= interval + TEN  # an interval may be cut short on the way
    assert max(week.waits.values()) <= LONGEST
    assert week.polled[0] == 1000
    assert max(week.polled[6:]) < 700  # far and still ones cost a sixth, spread over the hour


def test_a_week_of_a_thousand_events_with_too_few_requests_starves_none_and_stretches_all_alike() -> None:
    week = Week(most=100).run()
    load = max(week.loads)
    assert load > 300  # a third of what is wished for can be asked
    assert max(week.polled) == 100
    for interval, wait in week.longest_of_interval.items():
        assert wait <= longest_wait(interval, load, 1000, PollRules(TEN, 100))
    assert max(week.waits.values()) < 8 * HOUR
    # alike: the still ones wait for more minutes, and not for many more of their own intervals
    steady = {interval: week.longest_of_interval[interval] / interval for interval in (TEN, HOUR)}
    assert steady[HOUR] <= steady[TEN]


def test_control_without_urgency_the_far_ones_starve() -> None:
    def hot_ones_first(due: Collection[PollDecision], tick: datetime, rules: PollRules) -> list[int]:
        hot = sorted(due, key=lambda one: (one.interval, one.activity.date, one.activity.event_key))
        return [one.activity.event_key for one in hot[: rules.most]]

    week = Week(most=100, choose=hot_ones_first, ticks=144).run()
    assert max(week.waits.values()) > 23 * HOUR


def test_the_simulator_may_be_asked_for_everything_and_a_marketplace_for_what_its_rates_leave() -> None:
    assert poll_rules(Settings(), paced=SimulatedMarketplace.paced) == PollRules(TEN)
    url = Settings(marketplace_url="http://127.0.0.1:1", requests_per_second=2, requests_per_minute=60)
    assert poll_rules(url).most == 540  # the rate of a minute is the lower: 600, less a tenth
    assert poll_rules(url, slowdown=10).most == 54
    assert poll_rules(url, slowdown=1e9).most == 1


def sight_of(connection: Connection, key: int, tick: datetime = NOON) -> EventActivity:
    return next(one for one in event_activity(connection, "simulator", tick) if one.event_key == key)


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
    ids = dict(connection.execute("select event_key, id from market.events").fetchall())
    asked = {"ids": [ids.get(key, uuid4()) for key in views], "counts": list(views.values()), "at": at}
    connection.execute(ADD_EVENT_VIEWS, asked)


def test_views_of_the_last_day_count_and_are_forgotten_later(connection: Connection) -> None:
    key, other = add_event(connection, "1"), add_event(connection, "2")
    record_views(connection, {key: 2, other: 0, 999: 5}, NOON - HOUR)
    record_views(connection, {key: 3}, NOON - HOUR + TEN)
    record_views(connection, {key: 1}, NOON - 23 * HOUR)
    record_views(connection, {key: 100}, NOON - 25 * HOUR)
    record_views(connection, {}, NOON)
    assert (sight_of(connection, key).views, sight_of(connection, other).views) == (6, 0)
    assert delete_event_views_before(connection, NOON - 24 * HOUR) == 1
    assert connection.execute("select sum(views) from market.event_views").fetchone() == (6,)


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


def test_an_event_that_starts_to_move_is_not_stale_for_having_been_asleep(connection: Connection) -> None:
    key = add_event(connection)
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


def test_the_decisions_are_listed_by_command(connection: Connection) -> None:
    assert "Nothing is scheduled yet" in CliRunner().invoke(app, ["poll-schedule"]).output
    add_event(connection, "77", name="An opera")
    plan_polls(connection, "simulator", NOON, PollRules(TEN))
    output = CliRunner().invoke(app, ["poll-schedule"]).output
    assert "1 events scheduled" in output
    assert "every 10 min  An opera: not seen yet" in output


def test_a_live_tick_takes_what_is_due_most_urgent_first_and_a_backfill_takes_all(connection: Connection) -> None:
    keys = [add_event(connection, str(number)) for number in range(3)]
    connection.execute("update market.events set created_at = %s", [NOON])
    connection.execute("update market.events set created_at = %s where event_key = %s", [NOON - HOUR, keys[1]])

    def taken(tick: datetime) -> list[int]:
        rows = connection.execute("select event_key from market.leases where tick = %s order by place", [tick])
        return [key for (key,) in rows.fetchall()]

    assert plan_tick(connection, "simulator", NOON, "a run", PollRules(TEN, most=2)) == 2
    assert taken(NOON) == [keys[1], keys[0]]
    assert plan_tick(connection, "simulator", NOON - HOUR, "a backfill") == 3
    assert taken(NOON - HOUR) == keys
