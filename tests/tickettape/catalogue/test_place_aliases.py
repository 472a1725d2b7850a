"""A new seat map gives new ids to what is known: the history goes on, in whatever order answers come."""

import itertools
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.markets import NOON, TEN, add_event
from tickettape.catalogue import place_aliases, undo_alias
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import Capture, read_tick, store_captures

MARKET = SimulatedMarketplace(seed=7, events=1, clock=lambda: NOON)
Map = dict[str, tuple[str, dict[str, str]]]
"""A seat map: zone id -> its name, and section id -> name."""

OLD: Map = {"1": ("Lower Bowl", {"11": "101", "12": "102"}), "2": ("Upper Bowl", {"21": "201"})}
NEW: Map = {"501": ("Lower Bowl", {"511": "101", "512": "102"}), "502": ("Upper Bowl", {"521": "201"})}
BOTH: Map = OLD | NEW


def answer(seats: Map) -> bytes:
    """An answer in which each section of a map has two tickets, at a price by its name."""
    places = [(zone, section, name) for zone, (_, sections) in seats.items() for section, name in sections.items()]
    groups = [{"i": zone, "n": name, "q": str(2 * len(sections))} for zone, (name, sections) in seats.items()]
    total = str(len(places))
    return json.dumps(
        {
            "global": [{"productionId": "1", "listingCount": total, "ticketCount": str(2 * len(places))}],
            "tickets": [
                {"i": f"VB{number}", "c": zone, "d": section, "p": f"{sum(map(ord, name))}.00", "q": "2", "t": "1"}
                for number, (zone, section, name) in enumerate(places)
            ],
            "groups": groups,
            "sections": [{"i": section, "g": zone, "n": name, "q": "2"} for zone, section, name in places],
            "i18n": {"from": "USD", "to": "USD"},
        }
    ).encode()


def take(connection: Connection, number: int, seats: Map) -> None:
    """Store and read an answer, as a tick or as a replay does."""
    tick = NOON + number * TEN
    ensure_partitions(connection, [tick])
    row = connection.execute("select event_key from market.events").fetchone()
    assert row
    store_captures(connection, [Capture(row[0], tick, "received", fetched_at=tick, answer=answer(seats))], None)
    verdicts, _ = read_tick(connection, MARKET, tick, 0.05, "a run", only_received=True)
    assert [one.status for one in verdicts] == ["ok"]


def shown(connection: Connection) -> list[tuple[Any, ...]]:
    """What people see: tick, zone, section and its id of every snapshot. Names of several places without their id."""
    return connection.execute(
        """select tick, case when several then zones.zone_key::text else zones.name end, sections.name,
               coalesce(place_id, sections.external_id), lowest_price_cents
           from market.section_snapshots
           inner join market.sections using (event_key, section_key)
           inner join (
               select *, first_name in (select zone_name from market.places_apart) as several from market.zones
           ) as zones using (event_key, zone_key)
           where zones.same_as is null order by 1, 2, 3, 4"""
    ).fetchall()


def grouped(rows: Iterable[tuple[Any, ...]]) -> set[frozenset[tuple[datetime, str, str]]]:
    """Which snapshots are of one zone, whatever it is called."""
    by_zone: dict[str, set[tuple[datetime, str, str]]] = {}
    for tick, zone, section, section_id, _ in rows:
        by_zone.setdefault(zone, set()).add((tick, section, section_id))
    return {frozenset(members) for members in by_zone.values()}


def forget(connection: Connection) -> None:
    for table in ("section_snapshots", "listing_changes", "captures", "capture_payloads", "listing_latest_states",
                  "dirty_buckets", "places_apart", "sections", "zones"):  # fmt: skip
        connection.execute(f"delete from market.{table}")


def zones(connection: Connection) -> set[str]:
    return {name for (name,) in connection.execute("select name from market.zones where same_as is null")}


def test_the_same_seats_under_new_ids_go_on_as_what_they_were(connection: Connection) -> None:
    add_event(connection)
    for number, seats in enumerate([OLD, OLD, NEW, NEW]):
        take(connection, number, seats)
    assert zones(connection) == {"Lower Bowl", "Upper Bowl"}
    places = {
        tick: [row[1:] for row in rows] for tick, rows in itertools.groupby(shown(connection), lambda row: row[0])
    }
    assert len(places) == 4
    assert all(one == next(iter(places.values())) for one in places.values())


def test_only_sections_change_their_ids(connection: Connection) -> None:
    add_event(connection)
    take(connection, 0, OLD)
    take(connection, 1, {"1": ("Lower Bowl", {"91": "101", "92": "102"}), "2": OLD["2"]})
    assert {row[3] for row in shown(connection)} == {"11", "12", "21"}


def test_only_zones_change_their_ids(connection: Connection) -> None:
    add_event(connection)
    take(connection, 0, OLD)
    take(connection, 1, {"501": OLD["1"], "502": OLD["2"]})
    assert zones(connection) == {"Lower Bowl", "Upper Bowl"}
    assert {row[3] for row in shown(connection)} == {"11", "12", "21"}


def test_aliases_are_listed_with_since_when_and_why(connection: Connection) -> None:
    add_event(connection)
    take(connection, 0, OLD)
    take(connection, 1, NEW)
    found = place_aliases(connection, "simulator", "1")
    assert [(one["kind"], one["id"], one["place"]) for one in found] == [
        ("zone", "501", "Lower Bowl"), ("zone", "502", "Upper Bowl"), ("section", "511", "Lower Bowl: 101"),
        ("section", "512", "Lower Bowl: 102"), ("section", "521", "Upper Bowl: 201"),
    ]  # fmt: skip
    assert {one["since"] for one in found} == {NOON + TEN}
    assert found[0]["why"] == "the name of 1, never in one answer"


def test_where_two_vanish_and_two_appear_under_one_name_no_alias_is_made_and_it_is_said(connection: Connection) -> None:
    add_event(connection)
    take(connection, 0, {"1": ("Suites", {"11": "A"}), "2": ("Suites", {"21": "B"})})
    take(connection, 1, {"5": ("Suites", {"51": "A"}), "6": ("Suites", {"61": "B"})})
    assert zones(connection) == {"Suites", "Suites (2)", "Suites (5)", "Suites (6)"}
    [said] = place_aliases(connection, "simulator")
    assert (said["kind"], said["place"], said["why"]) == ("none", "Suites", "one answer has several of them")


def test_zones_without_a_name_are_never_taken_for_each_other(connection: Connection) -> None:
    add_event(connection)
    take(connection, 0, {"1": ("", {"11": "A"})})
    take(connection, 1, {"5": (" ", {"51": "A"})})
    assert zones(connection) == {"Zone 1", "Zone 5"}


def test_an_answer_that_shows_both_ends_an_alias_and_marks_what_it_changes(connection: Connection) -> None:
    event = add_event(connection)
    take(connection, 0, OLD)
    take(connection, 6, NEW)
    connection.execute("delete from market.dirty_buckets")
    take(connection, 20, BOTH)
    assert len(zones(connection)) == 4
    marked = connection.execute(
        "select distinct bucket from market.dirty_buckets where rollup = 'event_hours' and event_key = %s", [event]
    ).fetchall()
    assert (NOON + 6 * TEN,) in marked  # shown as Lower Bowl until now
    assert (NOON,) not in marked  # as it was


def test_an_alias_that_is_undone_stays_undone_and_what_it_changes_is_marked(connection: Connection) -> None:
    event = add_event(connection)
    take(connection, 0, OLD)
    take(connection, 6, NEW)
    connection.execute("delete from market.dirty_buckets")
    assert not undo_alias(connection, event, "Middle Bowl", "", "by me")
    assert undo_alias(connection, event, "Lower Bowl", "", "by me")
    assert zones(connection) == {"Lower Bowl", "Lower Bowl (501)", "Upper Bowl"}
    marked = connection.execute(
        "select distinct bucket from market.dirty_buckets where rollup = 'event_hours' order by bucket"
    ).fetchall()
    assert marked == [(NOON + 6 * TEN,)]  # where it was; nothing was captured afterwards, in which it could have gone
    take(connection, 7, NEW)
    assert zones(connection) == {"Lower Bowl", "Lower Bowl (501)", "Upper Bowl"}
    assert not undo_alias(connection, event, "Lower Bowl", "", "by me")
    assert undo_alias(connection, event, "Upper Bowl", "201", "by me")
    assert {row[3] for row in shown(connection) if row[2] == "201"} == {"21", "521"}


def test_an_answer_read_again_changes_nothing(connection: Connection) -> None:
    add_event(connection)
    for number, seats in enumerate([OLD, NEW]):
        take(connection, number, seats)
    before = shown(connection)
    for number in (1, 0):
        read_tick(connection, MARKET, NOON + number * TEN, 0.05, "a replay", only_received=False)
    assert shown(connection) == before


NAMES = st.sampled_from(["Lower", "Upper", ""])
MAPS: st.SearchStrategy[Map] = st.dictionaries(
    st.sampled_from("123"),
    st.tuples(NAMES, st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["101", "102"]), min_size=1)),
    min_size=1,
).map(
    lambda seats: {
        zone: (name, {zone + section: label for section, label in sections.items()})
        for zone, (name, sections) in seats.items()
    }
)


def ids_keep_their_names(maps: Sequence[Map]) -> bool:
    """Whether an id has one name throughout: a name is fixed when it is first seen."""
    zone_names = {(zone, name) for seats in maps for zone, (name, _) in seats.items()}
    section_names = {
        (zone, section, name)
        for seats in maps
        for zone, (_, sections) in seats.items()
        for section, name in sections.items()
    }
    return len(zone_names) == len({zone for zone, _ in zone_names}) and len(section_names) == len(
        {(zone, section) for zone, section, _ in section_names}
    )


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(
    maps=st.lists(MAPS, min_size=2, max_size=4).filter(ids_keep_their_names),
    orders=st.lists(st.randoms(use_true_random=False), min_size=2, max_size=2),
)
def test_any_order_of_ingestion_gives_one_result(connection: Connection, maps: list[Map], orders: list[Any]) -> None:
    if not connection.execute("select from market.events").fetchall():
        add_event(connection)
    results = []
    for order in [None, *orders]:
        forget(connection)
        numbers = list(range(len(maps)))
        if order is not None:
            order.shuffle(numbers)
        for number in numbers:
            take(connection, number, maps[number])
        results.append(grouped(shown(connection)))
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_three_maps_in_every_order(connection: Connection, order: tuple[int, ...]) -> None:
    add_event(connection)
    maps = [OLD, NEW, {"9": ("Lower Bowl", {"99": "101", "98": "102"}), "502": NEW["502"]}]
    for number in order:
        take(connection, number, maps[number])
    assert zones(connection) == {"Lower Bowl", "Upper Bowl"}
    assert {row[1:4] for row in shown(connection)} == {
        ("Lower Bowl", "101", "11"), ("Lower Bowl", "102", "12"), ("Upper Bowl", "201", "21"),
    }  # fmt: skip
