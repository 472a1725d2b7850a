"""The catalogue: names of zones, life of events."""

from datetime import UTC, datetime, timedelta

from tests.support.markets import NOON, PRODUCTION, TEN, add_event, observe
from tickettape.catalogue import (
    SeenZone,
    ensure_sections,
    ensure_zones,
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


def names(connection: Connection) -> dict[str, str]:
    return dict(connection.execute("select external_id, name from market.zones").fetchall())


def test_a_zone_without_a_name_is_named_by_its_id_and_a_second_of_one_name_by_both(connection: Connection) -> None:
    event = add_event(connection)
    ensure_zones(
        connection,
        [
            SeenZone(event, "7", "", 0),
            SeenZone(event, "8", "Lower Bowl", 1),
            SeenZone(event, "9", "Lower Bowl", 2),
        ],
    )
    assert names(connection) == {"7": "Zone 7", "8": "Lower Bowl", "9": "Lower Bowl (9)"}


def test_a_renamed_zone_shows_its_new_name_and_keeps_its_history_under_the_old_one(connection: Connection) -> None:
    event = add_event(connection)
    first = ensure_zones(connection, [SeenZone(event, "7", "Floor", 0)])
    second = ensure_zones(connection, [SeenZone(event, "7", "Pit", 0)])
    assert first == second
    assert connection.execute("select name, display_name from market.zones").fetchall() == [("Floor", "Pit")]


def test_a_zone_whose_made_up_name_is_taken_still_gets_one_of_its_own(connection: Connection) -> None:
    event = add_event(connection)
    ensure_zones(connection, [SeenZone(event, "1", "A (3)", 0), SeenZone(event, "2", "A", 1)])
    ensure_zones(connection, [SeenZone(event, "3", "A", 2)])
    assert len(set(names(connection).values())) == 3


def test_a_section_that_moves_to_another_zone_is_a_new_one_and_its_history_stays(connection: Connection) -> None:
    event = add_event(connection)
    zones = ensure_zones(connection, [SeenZone(event, "1", "A", 0), SeenZone(event, "2", "B", 1)])
    keys = ensure_sections(connection, {(event, zones[event, "1"], "101"): "101"})
    moved = ensure_sections(connection, {(event, zones[event, "2"], "101"): "101"})
    assert len({*keys.values(), *moved.values()}) == 2


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
