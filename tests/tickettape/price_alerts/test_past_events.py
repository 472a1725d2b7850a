"""A preview of a rule about many events: what the evaluation would have told of all of them, within a bound of work."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.markets import NOON, TEN
from tests.support.priced_listings import Show, add_rule, tenant_of
from tickettape.api_schema import watch_events
from tickettape.database import Connection
from tickettape.price_alerts import past_events
from tickettape.price_alerts.evaluation import evaluate_alerts
from tickettape.price_alerts.past_events import Previewed, preview_of_tenant
from tickettape.price_alerts.rule_form import RuleForm

TODAY = NOON + timedelta(hours=3)
ABOUT = {"scope": "performer", "about": "someone", "price": 100}


def tried(connection: Connection, tenant: str = "everyone", **said: Any) -> tuple[list[str], int, Previewed]:
    """The names of the events that a rule is tried on, how many it is about, and what it would have told."""
    form = RuleForm.model_validate(ABOUT | said)
    events, found = preview_of_tenant(connection, tenant_of(connection, tenant), form, TODAY)
    return [one.name for one in events], events[0].events if events else 0, found


CAPTURES = ["VB1:120", "VB1:95", "VB1:95"]


@pytest.fixture
def evenings(connection: Connection) -> list[Show]:
    """Three evenings of one performer, the middle one first, and one of another."""
    known = [("2", 20, "9"), ("1", 10, "9"), ("3", 30, "9"), ("4", 5, "8")]
    return [
        Show(connection, number, name=f"Evening {number}", date=NOON + timedelta(days=days), performer_id=performer,
             performer_name="Someone" if performer == "9" else "Another")
        for number, days, performer in known
    ]  # fmt: skip


@pytest.fixture
def shows(evenings: list[Show]) -> list[Show]:
    """The same after three captures each."""
    for number, capture in enumerate(CAPTURES):
        for show in evenings:
            show.shows(NOON + number * TEN, capture)
    return evenings


def test_a_preview_of_many_events_tells_what_the_evaluation_tells(connection: Connection, evenings: list[Show]) -> None:
    add_rule(connection, tenant_of(connection), scope="performer", about="someone", most_per_day=2)
    for number, capture in enumerate(CAPTURES):
        for show in evenings:
            show.shows(NOON + number * TEN, capture)
        evaluate_alerts(connection, NOON + number * TEN + timedelta(minutes=1), {"simulator": TEN})
    decided = connection.execute(
        """select events.event_key, told.tick from price_alerts.occasions as told
           inner join market.events on events.id = told.event_id where outcome = 'tell'"""
    ).fetchall()
    names, about, found = tried(connection, most_per_day=2)
    assert (names, about) == (["Evening 1", "Evening 2", "Evening 3"], 3)
    assert (found.captures, found.stated, found.left_out) == (9, True, 0)
    # two messages a day, of all events together; which two of those of one tick does not matter
    assert [one.tick for _, one, _ in found.told] == [tick for _, tick in decided] == [NOON + 2 * TEN] * 2


@pytest.mark.parametrize(("scope", "about", "expected"), [
    ("performer", "9", ["Evening 1", "Evening 2", "Evening 3"]),
    ("venue", "THE HALL", ["Evening 4", "Evening 1", "Evening 2", "Evening 3"]),
    ("search", "evening 3", ["Evening 3"]),
    ("search", "morning", []),
])  # fmt: skip
def test_the_next_events_come_first(
    connection: Connection, shows: list[Show], scope: str, about: str, expected: list[str]
) -> None:
    assert tried(connection, scope=scope, about=about)[0] == expected


def test_only_as_many_events_are_tried_as_have_captures_within_the_bound(
    connection: Connection, shows: list[Show], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_events, "MOST_CAPTURES", 7)
    names, about, found = tried(connection)
    assert (names, about, found.captures) == (["Evening 1", "Evening 2"], 3, 6)
    monkeypatch.setattr(past_events, "MOST_CAPTURES", 2)
    assert tried(connection)[0] == ["Evening 1"]  # one is always tried
    monkeypatch.setattr(past_events, "MOST_CAPTURES", 9)
    monkeypatch.setattr(past_events, "MOST_EVENTS", 1)
    assert tried(connection)[:2] == (["Evening 1"], 3)


def test_an_event_that_is_over_counts_if_it_was_seen_in_these_days(connection: Connection, shows: list[Show]) -> None:
    connection.execute("update market.events set active = false, last_scraped = %s where name = 'Evening 1'", [NOON])
    connection.execute("update market.events set active = false where name = 'Evening 3'")
    assert tried(connection)[0] == ["Evening 2", "Evening 1"]


def test_a_tenant_is_shown_only_its_own_events(connection: Connection, shows: list[Show]) -> None:
    tenant_of(connection, "A team", sees_all=False)
    watch_events(connection, "A team", [shows[0].event_id])
    assert tried(connection, "A team")[:2] == (["Evening 2"], 1)
