"""When to poll an event: the decision as a table, a week of a thousand events, and what is known from the tables."""

import random
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.markets import NOON, TEN
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import (
    poll_rules,
)
from tickettape.observations.poll_schedule import (
    LONGEST,
    PollRules,
    choose_polls,
    decide_poll,
    longest_wait,
    poll_urgency,
)
from tickettape.observations.poll_schedule_store import EventActivity, PollDecision
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
        ({"date": None, "date_status": "date_tbd"}, 60, "its date is to be determined"),
        ({"date": None, "date_status": "postponed"}, 60, "postponed, without a new date"),
        ({"date": NOON + 5 * HOUR, "date_status": "time_tbd"}, 10, "on a day 5 h ahead, its time unknown"),
        ({"date": NOON - 9 * HOUR, "date_status": "time_tbd"}, 10, "on a day 0 h ahead, its time unknown"),
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
                key: activity for key, activity in activities.items() if activity.date and activity.date > tick
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


def test_a_week_of_hundreds_of_events_with_too_few_requests_starves_none_and_stretches_all_alike() -> None:
    week = Week(most=30, events=300).run()
    load = max(week.loads)
    assert load > 90  # a third of what is wished for can be asked
    assert max(week.polled) == 30
    for interval, wait in week.longest_of_interval.items():
        assert wait <= longest_wait(interval, load, 300, PollRules(TEN, 30))
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
