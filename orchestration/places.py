"""Where listings are: the keys of the zones and sections that answers name, made where they are new."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from orchestration.marketplaces.base import Inventory
from orchestration.warehouse import Connection, catalogue
from orchestration.warehouse.catalogue import SeenZone


class Places:
    """The zones and sections of some events, read once; an answer that names another has it made."""

    def __init__(self, connection: Connection, event_keys: Sequence[int]) -> None:
        self._connection = connection
        self._zone_names: defaultdict[int, dict[str, str]] = defaultdict(dict)
        self._section_keys: defaultdict[int, dict[tuple[str, str], int]] = defaultdict(dict)
        self._read(event_keys)

    def section_keys(self, event_key: int, inventory: Inventory) -> Mapping[tuple[str, str], int]:
        """(zone id, section id) -> section_key, of all that an answer names and of all that was named before."""
        known, names = self._section_keys[event_key], self._zone_names[event_key]
        if any(
            names.get(zone.zone_id) != (zone.name.strip() or names.get(zone.zone_id, "")) for zone in inventory.zones
        ) or any((one.zone_id, one.section_id) not in known for one in inventory.sections):
            self._make(event_key, inventory)
        return known

    def _make(self, event_key: int, inventory: Inventory) -> None:
        zones = [SeenZone(event_key, one.zone_id, one.name, one.display_order) for one in inventory.zones]
        zone_keys = catalogue.ensure_zones(self._connection, zones)
        catalogue.ensure_sections(
            self._connection,
            {(event_key, zone_keys[event_key, one.zone_id], one.section_id): one.name for one in inventory.sections},
        )
        self._read([event_key])

    def _read(self, event_keys: Sequence[int]) -> None:
        for event_key, zone_id, name, section_id, section_key in catalogue.places(self._connection, event_keys):
            self._zone_names[event_key][zone_id] = name
            if section_id is not None and section_key is not None:
                self._section_keys[event_key][zone_id, section_id] = section_key
