"""Which events are watched, and when one is retired."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.support.markets import NOON, PRODUCTION, TEN, add_event, observe
from tickettape.catalogue import (
    events_watched_at,
    record_discovery,
    retire_events,
    track_rule,
    tracking_rules,
    untrack_rule,
    upsert_events,
)
from tickettape.database import Connection

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_one_miss_retires_nothing_and_three_in_a_row_do(connection: Connection) -> None:
    event = add_event(connection)
    track_rule(connection, "simulator", "event", "1")
    (rule,) = tracking_rules(connection, "simulator")
    record_discovery(connection, rule, ["1"], NOW)

    def retired() -> dict[str, int]:
        return retire_events(connection, "simulator", now=NOW, misses_to_retire=3)

    observe(connection, event, NOON)
    for number in (1, 2):
        observe(connection, event, NOON + number * TEN, status="missing")
        assert retired() == {}
    observe(connection, event, NOON + 3 * TEN)
    observe(connection, event, NOON + 4 * TEN, status="missing")
    assert retired() == {}
    for number in (5, 6):
        observe(connection, event, NOON + number * TEN, status="missing")
    assert retired() == {"unknown to the marketplace": 1}
    assert events_watched_at(connection, "simulator", NOW) == []


def test_a_past_event_is_retired_and_lives_again_when_it_is_put_off(connection: Connection) -> None:
    add_event(connection, date=NOW - timedelta(hours=1))
    assert retire_events(connection, "simulator", now=NOW, misses_to_retire=3) == {"past": 1}
    later = datetime.now(UTC) + timedelta(days=30)
    assert upsert_events(connection, "simulator", [PRODUCTION | {"date": later}]) == (0, 1)
    assert [event.external_id for event in events_watched_at(connection, "simulator", NOW)] == ["1"]


def test_an_event_that_no_rule_names_any_more_is_retired(connection: Connection) -> None:
    add_event(connection)
    track_rule(connection, "simulator", "search", "evening")
    (rule,) = tracking_rules(connection, "simulator")
    record_discovery(connection, rule, ["1"], NOW)
    assert retire_events(connection, "simulator", now=NOW, misses_to_retire=3) == {}
    assert untrack_rule(connection, "simulator", "search", "evening")
    assert not untrack_rule(connection, "simulator", "search", "evening")
    assert retire_events(connection, "simulator", now=NOW, misses_to_retire=3) == {"untracked": 1}


def test_an_unchanged_event_is_not_written_again(connection: Connection) -> None:
    assert upsert_events(connection, "simulator", [PRODUCTION]) == (1, 0)
    assert upsert_events(connection, "simulator", [PRODUCTION]) == (0, 0)
    assert upsert_events(connection, "simulator", [PRODUCTION | {"venue": "Elsewhere"}]) == (0, 1)


def watched_until(connection: Connection, **said: Any) -> datetime | None:
    """Until when an event is watched; None: for ever."""
    add_event(connection, **said)
    row = connection.execute("select nullif(watched_until, 'infinity') from market.events").fetchone()
    assert row
    return row[0] if row[0] is None else row[0].astimezone(UTC)


@pytest.mark.parametrize(
    ("time_zone", "until"),
    [
        ("America/Los_Angeles", datetime(2027, 6, 2, 7, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2027, 6, 1, 12, tzinfo=UTC)),
        ("UTC", datetime(2027, 6, 2, tzinfo=UTC)),
        (None, datetime(2027, 6, 2, 10, 30, tzinfo=UTC)),
        ("Nowhere/Atall", datetime(2027, 6, 2, 10, 30, tzinfo=UTC)),
    ],
)
def test_an_event_whose_time_is_a_placeholder_is_watched_until_its_day_at_the_venue_is_over(
    connection: Connection, time_zone: str | None, until: datetime
) -> None:
    at_half_past_three_in_los_angeles = datetime(2027, 6, 1, 10, 30, tzinfo=UTC)
    said = {"date": at_half_past_three_in_los_angeles, "date_status": "time_tbd", "venue_time_zone": time_zone}
    assert watched_until(connection, **said) == until
    assert events_watched_at(connection, "simulator", until - TEN)
    assert not events_watched_at(connection, "simulator", until)
    assert retire_events(connection, "simulator", now=until - TEN, misses_to_retire=3) == {"untracked": 1}
    connection.execute("update market.events set active = true")
    assert retire_events(connection, "simulator", now=until, misses_to_retire=3) == {"past": 1}


def test_the_day_of_a_clock_change_is_as_long_as_it_is(connection: Connection) -> None:
    date = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)  # 03:30 in Chicago, after the clocks went back
    assert watched_until(connection, date=date, date_status="time_tbd") == datetime(2026, 11, 2, 6, tzinfo=UTC)


@pytest.mark.parametrize("date_status", ["date_tbd", "postponed"])
def test_an_event_without_a_date_is_watched_until_the_marketplace_knows_it_no_more(
    connection: Connection, date_status: str
) -> None:
    event = add_event(connection, date=NOW - timedelta(hours=1))  # it was to be today
    assert add_event(connection, date=None, date_status=date_status) == event
    track_rule(connection, "simulator", "event", "1")
    (rule,) = tracking_rules(connection, "simulator")
    record_discovery(connection, rule, ["1"], NOW)
    years_later = NOW + timedelta(days=1000)
    assert retire_events(connection, "simulator", now=years_later, misses_to_retire=3) == {}
    (watched,) = events_watched_at(connection, "simulator", years_later)
    assert (watched.date, watched.date_status) == (None, date_status)
    for number in range(3):
        observe(connection, event, NOON + number * TEN, status="missing")
    assert retire_events(connection, "simulator", now=NOW, misses_to_retire=3) == {"unknown to the marketplace": 1}


def test_an_event_that_gets_a_date_is_watched_until_then(connection: Connection) -> None:
    add_event(connection, date=None, date_status="date_tbd")
    date = datetime(2027, 6, 1, 19, tzinfo=UTC)
    assert watched_until(connection, date=date) == date


def test_an_event_of_an_unknown_venue_is_stored_and_keeps_a_venue_that_was_known(connection: Connection) -> None:
    def venue() -> tuple[Any, ...] | None:
        return connection.execute("select venue from market.events").fetchone()

    assert upsert_events(connection, "simulator", [PRODUCTION | {"venue": None}]) == (1, 0)
    assert venue() == ("unknown",)
    assert upsert_events(connection, "simulator", [PRODUCTION]) == (0, 1)
    assert upsert_events(connection, "simulator", [PRODUCTION | {"venue": None}]) == (0, 0)
    assert venue() == ("The Hall",)


def test_a_page_that_was_stated_once_stays_and_only_a_link_is_stored(connection: Connection) -> None:
    page = "https://market.example/an-evening"
    add_event(connection, page_url=page)
    add_event(connection, name="Another name")  # details do not state what a list does
    assert connection.execute("select name, page_url from market.events").fetchall() == [("Another name", page)]
    with pytest.raises(psycopg.errors.CheckViolation):
        add_event(connection, page_url="javascript:alert(1)")
