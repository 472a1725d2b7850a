"""Links resolved into events with several sides."""

from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.markets import add_event
from tests.support.served_market import id_of
from tickettape.catalogue import decide_link, match_sources, undo_decision
from tickettape.catalogue.event_sides import LinkedPair, Side, group_sides
from tickettape.database import Connection

A, B, C, A2 = ("a", "1"), ("b", "1"), ("c", "1"), ("a", "2")
NOW = datetime(2027, 5, 1, tzinfo=UTC)


def link(one: Side, other: Side, state: str = "automatic", confidence: float = 0.9) -> LinkedPair:
    return LinkedPair(one, other, state, confidence)


@pytest.mark.parametrize(
    ("links", "groups"),
    [
        ([], []),
        ([link(A, B)], [{A, B}]),
        ([link(A, B), link(B, C)], [{A, B, C}]),  # links lead on
        ([link(A, B, "proposed"), link(B, C, "ended")], []),
        ([link(A, B), link(B, C), link(A, C, "refused")], [{A, B}]),  # of two as sure, the first by name
        ([link(A, B, confidence=0.8), link(B, C), link(A, C, "refused")], [{B, C}]),
        ([link(A, B), link(B, C, "confirmed", 0.1), link(A, C, "refused")], [{B, C}]),
        ([link(A, B), link(B, C), link(C, A2)], [{A, B, C}]),  # two events of one source are never one
        ([link(A, B), link(C, A2)], [{A, B}, {A2, C}]),
    ],
)
def test_links_lead_on_but_never_over_a_refusal_nor_to_a_second_event_of_a_source(
    links: list[LinkedPair], groups: list[set[Side]]
) -> None:
    assert group_sides(links) == sorted(map(frozenset, groups), key=sorted)


SIDES = st.tuples(st.sampled_from("abcd"), st.sampled_from("123"))
LINKS = st.lists(
    st.builds(
        LinkedPair, SIDES, SIDES, st.sampled_from(["automatic", "confirmed", "refused"]), st.sampled_from([0.5, 0.9])
    ).filter(lambda one: one.one[0] < one.other[0]),
    max_size=25,
    unique_by=lambda one: (one.one, one.other),
)


@given(LINKS)
def test_whatever_the_links_a_group_has_one_event_of_a_source_and_no_refused_pair(links: list[LinkedPair]) -> None:
    groups = group_sides(links)
    refused = {frozenset((one.one, one.other)) for one in links if one.state == "refused"}
    for group in groups:
        assert len({source for source, _ in group}) == len(group) > 1
        assert not refused & {frozenset(pair) for pair in combinations(group, 2)}
    sides = [side for group in groups for side in group]
    assert len(sides) == len(set(sides))
    assert group_sides(reversed(links)) == groups  # whatever their order


def stored(connection: Connection) -> dict[tuple[str, str], tuple[Any, bool]]:
    rows = connection.execute(
        "select source, external_id, catalogue_event_id, event_key is not null from market.event_sides"
    ).fetchall()
    return {(source, external_id): (event, known) for source, external_id, event, known in rows}


def test_the_sides_follow_every_decision_and_keep_the_id_of_the_oldest(connection: Connection) -> None:
    for source in "abc":
        add_event(connection, f"{source}1", source=source, venue_id="v")
    first, second = id_of(connection, "a1"), id_of(connection, "b1")
    assert match_sources(connection, NOW) == {"automatic": 3}
    assert stored(connection) == {(source, f"{source}1"): (first, True) for source in "abc"}
    decide_link(connection, ("a", "a1"), ("c", "c1"), "refused", "ann")
    assert stored(connection) == {("a", "a1"): (first, True), ("b", "b1"): (first, True)}
    decide_link(connection, ("a", "a1"), ("b", "b1"), "refused", "ann")
    assert stored(connection) == {("b", "b1"): (second, True), ("c", "c1"): (second, True)}
    undo_decision(connection, ("a", "a1"), ("b", "b1"))
    undo_decision(connection, ("a", "a1"), ("c", "c1"))
    assert stored(connection) == {(source, f"{source}1"): (first, True) for source in "abc"}


def test_a_side_that_is_not_in_the_catalogue_is_known_as_soon_as_it_is(connection: Connection) -> None:
    add_event(connection, "a1", source="a")
    decide_link(connection, ("a", "a1"), ("b", "b1"), "confirmed", "ann")
    decide_link(connection, ("x", "1"), ("y", "1"), "confirmed", "ann")  # nobody knows either side
    first = id_of(connection, "a1")
    assert stored(connection) == {("a", "a1"): (first, True), ("b", "b1"): (first, False)}
    add_event(connection, "b1", source="b")
    match_sources(connection, NOW)
    assert stored(connection) == {("a", "a1"): (first, True), ("b", "b1"): (first, True)}


def test_a_catalogues_entry_can_be_forgotten_and_the_others_stay_one_event(connection: Connection) -> None:
    for source in "abc":
        add_event(connection, f"{source}1", source=source, venue_id="v")
    second = id_of(connection, "b1")
    match_sources(connection, NOW)
    connection.execute("delete from market.events where source = 'a'")
    assert stored(connection)[A[0], "a1"][1] is False
    match_sources(connection, NOW)
    assert stored(connection) == {
        ("a", "a1"): (second, False),
        ("b", "b1"): (second, True),
        ("c", "c1"): (second, True),
    }
