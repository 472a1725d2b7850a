"""What is tracked: once however often it is said, and asked again when its time has come."""

from datetime import timedelta

from tests.support.markets import NOON, add_event
from tickettape.catalogue import (
    decide_link,
    due_tracking_rules,
    follow_linked_events,
    record_discovery,
    retire_events,
    track_rule,
    tracked_sources,
    tracking_rules,
    undo_decision,
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


HERE, THERE = ("gametime", "g1"), ("vividseats", "v1")


def followed(connection: Connection, source: str = "gametime") -> list[str]:
    """What is tracked at a source because another one tracks the same event."""
    follow_linked_events(connection, source)
    return [str(rule) for rule in tracking_rules(connection, source) if rule.because_of is not None]


def track_the_other_side(connection: Connection) -> None:
    """A performer's rule at one source, with an event that is linked to one of the other, which nobody tracks."""
    add_event(connection, "v1", source="vividseats")
    track_rule(connection, "vividseats", "performer", "9")
    (rule,) = tracking_rules(connection, "vividseats")
    record_discovery(connection, rule, ["v1"], NOON)
    decide_link(connection, HERE, THERE, "confirmed", "ann")


def test_a_rule_follows_its_event_to_the_linked_sources_until_it_or_the_link_is_gone(connection: Connection) -> None:
    track_the_other_side(connection)
    assert followed(connection) == followed(connection) == ["event g1"]
    assert followed(connection, "vividseats") == []  # what follows is not followed back
    assert not untrack_rule(connection, "gametime", "event", "g1")
    undo_decision(connection, HERE, THERE)
    assert followed(connection) == []
    decide_link(connection, HERE, THERE, "confirmed", "ann")
    assert followed(connection) == ["event g1"]
    assert untrack_rule(connection, "vividseats", "performer", "9")
    assert tracking_rules(connection, "gametime") == []


def test_an_event_that_is_over_or_has_a_rule_of_its_own_is_not_followed(connection: Connection) -> None:
    track_the_other_side(connection)
    assert followed(connection) == ["event g1"]
    track_rule(connection, "gametime", "event", "g1")  # somebody tracks it: it does not end with the other
    assert followed(connection) == []
    assert [str(rule) for rule in tracking_rules(connection, "gametime")] == ["event g1"]
    untrack_rule(connection, "gametime", "event", "g1")
    add_event(connection, "g1", source="gametime")
    track_rule(connection, "gametime", "search", "an evening")
    (rule,) = tracking_rules(connection, "gametime")
    record_discovery(connection, rule, ["g1"], NOON)
    decide_link(connection, HERE, THERE, "confirmed", "bob")  # now the side is in the catalogue
    assert followed(connection) == []
    untrack_rule(connection, "gametime", "search", "an evening")
    assert followed(connection) == ["event g1"]
    retired = retire_events(connection, "vividseats", now=NOON + timedelta(days=365), misses_to_retire=3)
    assert retired == {"past": 1}
    assert followed(connection) == []
