"""Where listings are: the keys of the zones and sections that answers name, made where they are new."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tickettape.catalogue import events as catalogue
from tickettape.catalogue.events import SeenZone
from tickettape.database import Connection
from tickettape.marketplaces.protocol import Inventory, Zone


class Places:
    """The zones and sections of some events, read once."""

    def __init__(self, connection: Connection, event_keys: Sequence[int]) -> None:
        self._connection = connection
        self._zone_names: defaultdict[int, dict[str, str]] = defaultdict(dict)
        self._section_keys: defaultdict[int, dict[tuple[str, str], int]] = defaultdict(dict)
        self._read(event_keys)

    def of(self, event_key: int) -> Mapping[tuple[str, str], int]:
        """(zone id, section id) -> section_key, of all that was ever named."""
        return self._section_keys[event_key]

    def knows(self, event_key: int, inventory: Inventory) -> bool:
        """Whether all that an answer names is known, and by these names."""
        keys = self._section_keys[event_key]
        return all(self._is_known(event_key, zone) for zone in inventory.zones) and all(
            (one.zone_id, one.section_id) in keys for one in inventory.sections
        )

    def make(self, inventories: Sequence[tuple[int, Inventory]]) -> None:
        """Make what events' answers name and is not known yet: together, a tick that sees all for the first time
        takes half as long."""
        zone_keys = catalogue.ensure_zones(
            self._connection,
            [
                SeenZone(event_key, zone.zone_id, zone.name, zone.display_order)
                for event_key, inventory in inventories
                for zone in inventory.zones
            ],
        )
        catalogue.ensure_sections(
            self._connection,
            {
                (event_key, zone_keys[event_key, one.zone_id], one.section_id): one.name
                for event_key, inventory in inventories
                for one in inventory.sections
            },
        )
        self._read([event_key for event_key, _ in inventories])

    def _is_known(self, event_key: int, zone: Zone) -> bool:
        shown = self._zone_names[event_key].get(zone.zone_id)
        return shown is not None and zone.name.strip() in ("", shown)

    def _read(self, event_keys: Sequence[int]) -> None:
        for event_key, zone_id, name, section_id, section_key in catalogue.places(self._connection, event_keys):
            self._zone_names[event_key][zone_id] = name
            if section_id is not None and section_key is not None:
                self._section_keys[event_key][zone_id, section_id] = section_key
