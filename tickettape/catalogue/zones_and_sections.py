"""Zones and sections with their keys; new ones are added when answers name them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tickettape.catalogue.place_aliases import as_columns, known_twins, note_places, twins_of
from tickettape.database import Connection
from tickettape.marketplaces import Inventory, Zone


@dataclass(frozen=True)
class SeenZone:
    """A zone as an answer names it."""

    event_key: int
    external_id: str
    name: str
    display_order: int


def lock_naming(connection: Connection) -> None:
    """Let only one transaction at a time add zones, sections and offer terms, until it ends.

    Two that add the same ones in different orders would wait for each other for ever.
    """
    connection.execute("select pg_advisory_xact_lock(7153907)")


def read_zones_and_sections(
    connection: Connection, event_keys: Sequence[int]
) -> list[tuple[int, str, str, datetime | None, str | None, int | None, datetime | None]]:
    """(event_key, zone id, name shown, first tick, section id, section_key, first tick) of events.

    The section's values are None if a zone has no section yet. A first tick is None if no answer with a tick had it.
    """
    return connection.execute(
        """select zones.event_key, zones.external_id, zones.display_name, zones.first_tick, sections.external_id,
               section_key, sections.first_tick
           from market.zones
           left join market.sections
               on sections.event_key = zones.event_key and sections.home_zone_key = zones.zone_key
           where zones.event_key = any(%s)""",
        [list(event_keys)],
    ).fetchall()


def ensure_zones(connection: Connection, zones: Iterable[SeenZone]) -> dict[tuple[int, str], int]:
    """Add the new zones; returns the zone_key of every given (event_key, zone id).

    A name is set when the zone is first seen, and is unique within the event: "" becomes `Zone <id>`, and a second zone
    of the same name gets ` (<id>)`. A later name only changes display_name.
    """
    seen = {(zone.event_key, zone.external_id): zone for zone in zones}
    event_keys = sorted({event_key for event_key, _ in seen})
    known = _zones(connection, event_keys)
    new = [zone for key, zone in seen.items() if key not in known]
    if new:
        lock_naming(connection)  # two zones of one name must not both find it free
        known = _zones(connection, event_keys)
        taken = {(event_key, name) for (event_key, _), (_, name, _) in known.items()}
        made = []
        for zone in sorted(new, key=lambda zone: (zone.event_key, zone.display_order, zone.external_id)):
            if (zone.event_key, zone.external_id) in known:
                continue
            name = zone.name.strip() or f"Zone {zone.external_id}"
            while (zone.event_key, name) in taken:
                name = f"{name} ({zone.external_id})"
            taken.add((zone.event_key, name))
            made.append((zone.event_key, zone.external_id, name, zone.name.strip() or name, zone.display_order))
        rows = connection.execute(
            """insert into market.zones (event_key, external_id, name, display_name, display_order)
               select * from unnest(%s::integer[], %s::text[], %s::text[], %s::text[], %s::integer[])
               returning event_key, external_id, zone_key, name, display_name""",
            as_columns(made, 5),
        ).fetchall()
        known |= {(event_key, external_id): tuple(rest) for event_key, external_id, *rest in rows}
    renamed = [
        (zone.name.strip(), event_key, external_id)
        for (event_key, external_id), zone in seen.items()
        if zone.name.strip() and zone.name.strip() != known.get((event_key, external_id), (0, "", zone.name.strip()))[2]
    ]
    if renamed:
        with connection.cursor() as cursor:
            cursor.executemany(
                "update market.zones set display_name = %s where event_key = %s and external_id = %s", renamed
            )
    return {key: known[key][0] for key in seen}


def _zones(connection: Connection, event_keys: Sequence[int]) -> dict[tuple[int, str], tuple[int, str, str]]:
    rows = connection.execute(
        """select event_key, external_id, zone_key, name, display_name from market.zones
           where event_key = any(%s)""",
        [list(event_keys)],
    ).fetchall()
    return {(event_key, external_id): (zone_key, name, shown) for event_key, external_id, zone_key, name, shown in rows}


def ensure_sections(
    connection: Connection, sections: Mapping[tuple[int, int, str], str]
) -> dict[tuple[int, int, str], int]:
    """Add the new sections, given (event_key, zone_key, section id) -> name; returns the section_key of each."""
    event_keys = sorted({event_key for event_key, _, _ in sections})
    known = _sections(connection, event_keys)
    new = [(*key, name) for key, name in sections.items() if key not in known]
    if not new:
        return known
    lock_naming(connection)
    rows = connection.execute(
        """insert into market.sections (event_key, zone_key, external_id, name)
           select * from unnest(%s::integer[], %s::integer[], %s::text[], %s::text[])
           on conflict do nothing
           returning event_key, home_zone_key, external_id, section_key""",
        as_columns(sorted(new), 4),
    ).fetchall()
    if len(rows) < len(new):
        return _sections(connection, event_keys)  # somebody else has added some meanwhile
    return known | {
        (event_key, zone_key, external_id): section_key for event_key, zone_key, external_id, section_key in rows
    }


def _sections(connection: Connection, event_keys: Sequence[int]) -> dict[tuple[int, int, str], int]:
    rows = connection.execute(
        "select event_key, home_zone_key, external_id, section_key from market.sections where event_key = any(%s)",
        [list(event_keys)],
    ).fetchall()
    return {(event_key, zone_key, external_id): section_key for event_key, zone_key, external_id, section_key in rows}


class ZonesAndSections:
    """The zones and sections of some events, read once, for the answers of a tick."""

    def __init__(self, connection: Connection, event_keys: Sequence[int], tick: datetime) -> None:
        self._connection, self._tick = connection, tick
        self._late: defaultdict[int, set[tuple[str, ...]]] = defaultdict(set)  # places that no tick up to this one had
        self._twins = known_twins(connection, event_keys)
        self._zone_names: defaultdict[int, dict[str, str]] = defaultdict(dict)
        self._section_keys: defaultdict[int, dict[tuple[str, str], int]] = defaultdict(dict)
        self._read(event_keys)

    def of(self, event_key: int) -> Mapping[tuple[str, str], int]:
        """(zone id, section id) -> section_key, of all that was ever named."""
        return self._section_keys[event_key]

    def knows(self, event_key: int, inventory: Inventory) -> bool:
        """Whether all places in an answer are known under these names, and not only from later ticks."""
        keys = self._section_keys[event_key]
        late = self._late[event_key]
        if late and not late.isdisjoint(_places(inventory)):
            return False
        if not self._twins.issuperset(twins_of(event_key, inventory)):
            return False
        return all(self._is_known(event_key, zone) for zone in inventory.zones) and all(
            (one.zone_id, one.section_id) in keys for one in inventory.sections
        )

    def make(self, inventories: Sequence[tuple[int, Inventory]]) -> None:
        """Add the places in these answers that are not known yet. Adding them together halves the time of a tick that
        sees all of them for the first time."""
        zone_keys = ensure_zones(
            self._connection,
            [
                SeenZone(event_key, zone.zone_id, zone.name, zone.display_order)
                for event_key, inventory in inventories
                for zone in inventory.zones
            ],
        )
        ensure_sections(
            self._connection,
            {
                (event_key, zone_keys[event_key, one.zone_id], one.section_id): one.name
                for event_key, inventory in inventories
                for one in inventory.sections
            },
        )
        lock_naming(self._connection)
        note_places(self._connection, self._tick, inventories)
        for event_key, _ in inventories:
            self._late[event_key].clear()
        self._read([event_key for event_key, _ in inventories])

    def _is_known(self, event_key: int, zone: Zone) -> bool:
        shown = self._zone_names[event_key].get(zone.zone_id)
        return shown is not None and zone.name.strip() in ("", shown)

    def _read(self, event_keys: Sequence[int]) -> None:
        rows = read_zones_and_sections(self._connection, event_keys)
        for event_key, zone_id, name, zone_since, section_id, section_key, section_since in rows:
            self._zone_names[event_key][zone_id] = name
            late = self._late[event_key]
            if zone_since is None or zone_since > self._tick:
                late.add((zone_id,))
            if section_id is not None and section_key is not None:
                self._section_keys[event_key][zone_id, section_id] = section_key
                if section_since is None or section_since > self._tick:
                    late.add((zone_id, section_id))


def _places(inventory: Inventory) -> set[tuple[str, ...]]:
    """The places in an answer: (zone id,) and (zone id, section id)."""
    zones: set[tuple[str, ...]] = {(zone.zone_id,) for zone in inventory.zones}
    return zones | {(section.zone_id, section.section_id) for section in inventory.sections}
