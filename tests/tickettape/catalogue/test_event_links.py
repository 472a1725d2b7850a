"""Links in the database: what rules find, what people decide, and what stays."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tickettape.catalogue import (
    LinkError,
    decide_link,
    decide_venues,
    event_links,
    link_known,
    match_sources,
    undo_decision,
    upsert_events,
)
from tickettape.database import Connection

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "external_id": "1", "name": "Ducks at Flames", "venue": "Scotiabank Saddledome", "city": "Calgary", "state": "AB",
    "country": None, "venue_time_zone": "America/Edmonton", "date": datetime(2027, 3, 4, 2, 0, tzinfo=UTC),
    "category": None, "performer_id": None, "performer_name": None, "image_url": None, "venue_id": "v1",
}  # fmt: skip
ONE, OTHER = ("gametime", "1"), ("vividseats", "1")


@pytest.fixture(autouse=True)
def _one_event_of_two_sources(connection: Connection) -> None:
    for source in ("gametime", "vividseats"):
        upsert_events(connection, source, [EVENT])


def states(connection: Connection) -> dict[tuple[str, str], str]:
    """The state of each link, by the ids of its sides."""
    return {(one.external_id, one.other_external_id): one.state for one in event_links(connection)}


def test_a_link_has_both_sides_its_rule_its_evidence_and_who_made_it_when(connection: Connection) -> None:
    assert match_sources(connection, NOW) == {"automatic": 1}
    (link,) = event_links(connection)
    known = asdict(link)
    assert known.pop("decided_at") <= datetime.now(UTC)
    evidence = known.pop("evidence")
    assert known == {
        "link_id": link.link_id, "source": "gametime", "external_id": "1", "other_source": "vividseats",
        "other_external_id": "1", "state": "automatic", "rule": "venue by name and city",
        "confidence": pytest.approx(0.93), "decided_by": "rules",
    }  # fmt: skip
    assert evidence["names"] == ["Ducks at Flames"] * 2
    assert match_sources(connection, NOW) == {}  # a second run changes nothing


def test_what_was_refused_stays_refused_until_it_is_undone(connection: Connection) -> None:
    match_sources(connection, NOW)
    decide_link(connection, OTHER, ONE, "refused", "ann")
    assert match_sources(connection, NOW) == {}
    assert states(connection) == {("1", "1"): "refused"}
    assert undo_decision(connection, ONE, OTHER) == "automatic"
    (link,) = event_links(connection)
    assert (link.state, link.decided_by, link.rule) == ("automatic", "rules", "venue by name and city")


def test_what_was_confirmed_stays_and_no_rule_links_its_events_to_others(connection: Connection) -> None:
    upsert_events(connection, "vividseats", [EVENT | {"external_id": "2", "name": "Another name"}])
    match_sources(connection, NOW)
    decide_link(connection, ONE, ("vividseats", "2"), "confirmed", "ann")
    assert states(connection) == {("1", "2"): "confirmed", ("1", "1"): "ended"}
    assert match_sources(connection, NOW) == {}
    with pytest.raises(LinkError, match="Refuse that link first"):
        decide_link(connection, ONE, OTHER, "confirmed", "bob")
    decide_link(connection, ONE, ("vividseats", "2"), "refused", "bob")
    assert match_sources(connection, NOW) == {"automatic": 1}
    assert states(connection) == {("1", "2"): "refused", ("1", "1"): "automatic"}


def test_a_link_ends_when_the_date_of_one_side_changes_and_comes_back_with_it(connection: Connection) -> None:
    match_sources(connection, NOW)
    upsert_events(connection, "vividseats", [EVENT | {"date": EVENT["date"] + timedelta(days=7)}])
    assert match_sources(connection, NOW) == {"ended": 1}
    upsert_events(connection, "vividseats", [EVENT])
    assert match_sources(connection, NOW) == {"automatic": 1}
    kept = connection.execute("select state from market.event_link_changes order by changed_at").fetchall()
    assert kept == [("automatic",), ("ended",)]


def test_an_event_that_is_over_keeps_its_link(connection: Connection) -> None:
    match_sources(connection, NOW)
    assert match_sources(connection, NOW + timedelta(days=30)) == {}
    assert states(connection) == {("1", "1"): "automatic"}


def test_a_second_entry_of_one_event_ends_the_link_and_a_person_decides(connection: Connection) -> None:
    match_sources(connection, NOW)
    upsert_events(connection, "vividseats", [EVENT | {"external_id": "2"}])
    match_sources(connection, NOW)
    assert states(connection) == {("1", "1"): "proposed", ("1", "2"): "proposed"}
    decide_link(connection, ONE, OTHER, "confirmed", "ann")
    match_sources(connection, NOW)
    assert states(connection) == {("1", "1"): "confirmed", ("1", "2"): "ended"}


def test_a_renamed_venue_is_one_by_hand_and_two_if_somebody_says_so(connection: Connection) -> None:
    upsert_events(connection, "vividseats", [EVENT | {"venue": "The Old Barn", "venue_id": "w1"}])
    assert match_sources(connection, NOW) == {}
    decide_venues(connection, ("vividseats", "w1"), ("gametime", "v1"), "confirmed", "ann")
    assert match_sources(connection, NOW) == {"automatic": 1}
    assert event_links(connection)[0].rule == "venue by hand"
    decide_venues(connection, ("vividseats", "w1"), ("gametime", "v1"), "refused", "ann")
    assert match_sources(connection, NOW) == {"ended": 1}


def test_a_renamed_venue_is_learned_from_its_events(connection: Connection) -> None:
    for day in range(3):
        event = EVENT | {"external_id": f"{day}", "date": EVENT["date"] + timedelta(days=day)}
        upsert_events(connection, "gametime", [event])
        upsert_events(connection, "vividseats", [event | {"venue": "The Old Barn", "venue_id": "w1"}])
    assert match_sources(connection, NOW) == {"automatic": 3}
    assert {one.rule for one in event_links(connection)} == {"venue learned from events that agree"}
    assert connection.execute("select evidence from market.venue_links").fetchall() == [
        ({"days": ["2027-03-04", "2027-03-05", "2027-03-06"]},)
    ]


def test_an_event_outside_of_the_catalogue_can_be_linked_by_hand(connection: Connection) -> None:
    decide_link(connection, ("box_office", "77"), OTHER, "confirmed", "ann")
    (link,) = event_links(connection)
    assert (link.source, link.external_id, link.other_source) == ("box_office", "77", "vividseats")
    assert (link.rule, link.state) == ("by hand", "confirmed")
    assert match_sources(connection, NOW) == {"automatic": 1}
    assert undo_decision(connection, ("box_office", "77"), OTHER) == "ended"


def test_what_a_source_knows_is_linked_at_once_unless_a_person_said_no(connection: Connection) -> None:
    sold = ("box_office", "7")
    made = [link_known(connection, sold, OTHER, "simulated", {"names": ["a", "a"]}, "simulator") for _ in range(2)]
    assert made == [True, True]
    assert [(one.state, one.rule, one.decided_by) for one in event_links(connection, "box_office")] == [
        ("automatic", "simulated", "simulator")
    ]
    sides = "select source, external_id from market.event_sides order by 1"
    assert connection.execute(sides).fetchall() == [sold, OTHER]
    assert match_sources(connection, NOW)["ended"] == 0  # the rules have nothing to say about it
    assert not link_known(connection, ("box_office", "8"), OTHER, "simulated", {}, "simulator")  # it is another one
    decide_link(connection, OTHER, sold, "refused", "ann")
    assert not link_known(connection, sold, OTHER, "simulated", {}, "simulator")


def test_the_table_itself_holds_one_live_link_of_an_event_per_source(connection: Connection) -> None:
    insert = """insert into market.event_links
                    (source, external_id, other_source, other_external_id, state,
                     rule, evidence, confidence, decided_by)
                values ('a', %s, 'b', %s, %s, 'r', '{}', 1, 'x')"""
    connection.execute(insert, ["1", "1", "automatic"])
    connection.execute(insert, ["1", "2", "proposed"])
    for pair in (["1", "3"], ["3", "1"]):
        with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
            connection.execute(insert, [*pair, "confirmed"])
    with pytest.raises(LinkError, match="Both are from a"):
        decide_link(connection, ("a", "1"), ("a", "2"), "confirmed", "x")
    with pytest.raises(LinkError, match="There is no link"):
        undo_decision(connection, ("a", "9"), ("b", "9"))


def test_the_order_of_two_sources_does_not_depend_on_the_collation_of_the_database(connection: Connection) -> None:
    sides = ("shop_a", "1"), ("shop1", "1")  # most collations have "_" before digits, and code points after them
    decide_link(connection, *sides, "confirmed", "x")
    decide_venues(connection, *sides, "confirmed", "x")
    assert [(one.source, one.other_source) for one in event_links(connection)] == [("shop1", "shop_a")]
    checks = connection.execute(
        """select pg_get_constraintdef(oid) from pg_constraint
           where contype = 'c' and conrelid::regclass::text in ('market.event_links', 'market.venue_links')
               and pg_get_constraintdef(oid) like '%other_source%'"""
    ).fetchall()
    assert len(checks) == 2
    assert all('COLLATE "C"' in check for (check,) in checks)
