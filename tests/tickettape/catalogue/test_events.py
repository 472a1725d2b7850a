"""Which events are watched, and when one is retired."""

from datetime import UTC, datetime, timedelta

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
