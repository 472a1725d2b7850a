"""The catalogue: names of zones, life of events."""

from tests.support.markets import add_event
from tickettape.catalogue import (
    SeenZone,
    ensure_sections,
    ensure_zones,
)
from tickettape.database import Connection


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
