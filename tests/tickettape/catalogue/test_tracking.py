"""What is tracked: once however often it is said, and asked again when its time has come."""

from datetime import timedelta

from tests.support.markets import NOON, add_event
from tickettape.catalogue import (
    due_tracking_rules,
    record_discovery,
    track_rule,
    tracked_sources,
    tracking_rules,
    untrack_rule,
)
from tickettape.database import Connection

HOUR = timedelta(hours=1)


def test_tracking_the_same_twice_is_once_and_each_marketplace_has_its_own(connection: Connection) -> None:
    for source in ("vividseats", "simulator", "vividseats"):
        track_rule(connection, source, "performer", "369")
    assert [str(rule) for rule in tracking_rules(connection, "vividseats")] == ["performer 369"]
    assert tracked_sources(connection) == ["simulator", "vividseats"]


def test_what_is_untracked_is_gone_and_what_was_not_tracked_is_said_to_be_so(connection: Connection) -> None:
    track_rule(connection, "vividseats", "venue", "93")
    assert not untrack_rule(connection, "vividseats", "performer", "93")
    assert not untrack_rule(connection, "simulator", "venue", "93")
    assert untrack_rule(connection, "vividseats", "venue", "93")
    assert tracked_sources(connection) == []


def test_a_rule_is_due_until_it_is_asked_and_again_after_its_time(connection: Connection) -> None:
    track_rule(connection, "simulator", "search", "open")
    (rule,) = due_tracking_rules(connection, "simulator", now=NOON, every=HOUR)
    record_discovery(connection, rule, [], NOON)
    assert due_tracking_rules(connection, "simulator", now=NOON + HOUR - timedelta(seconds=1), every=HOUR) == []
    assert len(due_tracking_rules(connection, "simulator", now=NOON + HOUR, every=HOUR)) == 1


def test_a_rule_stands_for_the_events_of_its_own_marketplace_once_each(connection: Connection) -> None:
    mine, _ = add_event(connection, "1", source="simulator"), add_event(connection, "1", source="vividseats")
    track_rule(connection, "simulator", "search", "an evening")
    (rule,) = tracking_rules(connection, "simulator")
    for _ in range(2):
        record_discovery(connection, rule, ["1", "not in the catalogue"], NOON)
    assert connection.execute("select rule_id, event_key from market.rule_events").fetchall() == [(rule.rule_id, mine)]
