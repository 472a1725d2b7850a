"""Aliases: if a new seat map gives new ids to known zones and sections, their history goes on.

Ids with the same name are one place, unless one answer has two of them or a person has undone the alias. Facts keep the
ids of their answers. So the aliases follow from all answers together, in any order, and can be undone.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from tickettape.database import Connection
from tickettape.marketplaces import Inventory


@dataclass(frozen=True)
class Twins:
    """A name that an answer gives to two places: zones (no `section`), or sections of a zone."""

    event_key: int
    zone: str
    section: str = ""


def twins_of(event_key: int, inventory: Inventory) -> set[Twins]:
    """The names that an answer gives to several places, so that they do not identify one."""
    named = Counter(name for zone in inventory.zones if (name := zone.name.strip()))
    found = {Twins(event_key, name) for name, count in named.items() if count > 1}
    if len({(section.zone_id, section.name) for section in inventory.sections}) < len(inventory.sections):
        places = Counter((section.zone_id, section.name) for section in inventory.sections)
        zones = {zone.zone_id: zone.name.strip() for zone in inventory.zones}
        found |= {
            Twins(event_key, zones.get(zone_id, ""), name) for (zone_id, name), count in places.items() if count > 1
        }
    return found


def known_twins(connection: Connection, event_keys: Sequence[int]) -> set[Twins]:
    """The names of events that are known to belong to several places, or are kept apart by a person."""
    rows = connection.execute(
        "select event_key, zone_name, section_name from market.places_apart where event_key = any(%s)",
        [list(event_keys)],
    ).fetchall()
    return {Twins(*row) for row in rows}


def note_places(connection: Connection, tick: datetime, inventories: Sequence[tuple[int, Inventory]]) -> None:
    """Store since when places have their ids, and which names several places have. Then make and end aliases.

    Runs in the caller's transaction, which has added the zones and sections and holds `lock_naming`.
    """
    zones = [(key, one.zone_id, one.name.strip()) for key, inventory in inventories for one in inventory.zones]
    connection.execute(
        """update market.zones set first_tick = %s, first_name = said.name
           from unnest(%s::integer[], %s::text[], %s::text[]) as said (event_key, external_id, name)
           where zones.event_key = said.event_key and zones.external_id = said.external_id
               and (zones.first_tick is null or zones.first_tick > %s)""",
        [tick, *as_columns(zones, 3), tick],
    )
    sections = [(key, one.zone_id, one.section_id) for key, inventory in inventories for one in inventory.sections]
    connection.execute(
        """update market.sections set first_tick = %s
           from unnest(%s::integer[], %s::text[], %s::text[]) as said (event_key, zone_id, external_id)
           inner join market.zones on zones.event_key = said.event_key and zones.external_id = said.zone_id
           where sections.event_key = zones.event_key and sections.home_zone_key = zones.zone_key
               and sections.external_id = said.external_id
               and (sections.first_tick is null or sections.first_tick > %s)""",
        [tick, *as_columns(sections, 3), tick],
    )
    twins = {one for key, inventory in inventories for one in twins_of(key, inventory)}
    connection.execute(
        """insert into market.places_apart (event_key, zone_name, section_name, tick, reason)
           select *, %s, 'one answer has several of them' from unnest(%s::integer[], %s::text[], %s::text[])
           on conflict do nothing""",
        [tick, *as_columns([(one.event_key, one.zone, one.section) for one in twins], 3)],
    )
    settle_aliases(connection, [event_key for event_key, _ in inventories])


def settle_aliases(connection: Connection, event_keys: Iterable[int]) -> None:
    """Compute the aliases of events from all their answers together, in the caller's transaction."""
    events = {"events": sorted(set(event_keys))}
    connection.execute(
        """with homes as (
               select event_key, first_name, min(zone_key) as zone_key
               from market.zones
               where event_key = any(%(events)s) and first_name != ''
                   and (event_key, first_name) not in (
                       select event_key, zone_name from market.places_apart where section_name = '')
               group by event_key, first_name
           )
           update market.zones set same_as = settled.same_as
           from (
               select zones.event_key, zones.zone_key, nullif(homes.zone_key, zones.zone_key) as same_as
               from market.zones left join homes using (event_key, first_name)
               where zones.event_key = any(%(events)s)
           ) as settled
           where zones.event_key = settled.event_key and zones.zone_key = settled.zone_key
               and zones.same_as is distinct from settled.same_as""",
        events,
    )
    connection.execute(
        """with shown as (
               select sections.event_key, section_key, sections.external_id, sections.name, sections.first_tick,
                   coalesce(same_as, zones.zone_key) as zone_key,
                   exists (
                       select from market.places_apart as apart
                       where apart.event_key = zones.event_key and apart.zone_name = coalesce(first_name, '')
                           and apart.section_name = sections.name) as apart
               from market.sections inner join market.zones
                   on zones.event_key = sections.event_key and zones.zone_key = home_zone_key
               where sections.event_key = any(%(events)s)
           ),
           settled as (
               select event_key, section_key, zone_key,
                   case when first_tick is not null and not apart then nullif(first_value(external_id) over (
                       partition by event_key, zone_key, name order by first_tick nulls last, external_id), external_id)
                   end as place_id
               from shown
           )
           update market.sections set zone_key = settled.zone_key, place_id = settled.place_id
           from settled
           where sections.event_key = settled.event_key and sections.section_key = settled.section_key
               and (sections.zone_key, sections.place_id)
                   is distinct from (settled.zone_key, settled.place_id)""",
        events,
    )


def place_aliases(connection: Connection, source: str, external_id: str | None = None) -> list[dict[str, Any]]:
    """The aliases of a marketplace (of one event), and the names for which none is made; each since when, and why."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """select events.external_id as event, events.name as event_name, places.*
               from market.events
               inner join (
                   select zones.event_key, 'zone' as kind, zones.external_id as id, home.name as place,
                       zones.first_tick as since, 'the name of ' || home.external_id || ', never in one answer' as why
                   from market.zones
                   inner join market.zones as home on home.event_key = zones.event_key and home.zone_key = zones.same_as
                   union all
                   select sections.event_key, 'section', sections.external_id, zones.name || ': ' || sections.name,
                       sections.first_tick, 'the name of ' || place_id || ' in its zone, never in one answer'
                   from market.sections inner join market.zones using (event_key, zone_key)
                   where place_id is not null
                   union all
                   select event_key, 'none', null, concat_ws(': ', zone_name, nullif(section_name, '')), tick, reason
                   from market.places_apart
               ) as places using (event_key)
               where events.source = %(source)s
                   and (%(external_id)s::text is null or events.external_id = %(external_id)s)
               order by events.external_id, kind = 'none', kind desc, place, since""",
            {"source": source, "external_id": external_id},
        ).fetchall()


def undo_alias(connection: Connection, event_key: int, zone: str, section: str, reason: str) -> bool:
    """Keep the places of a name apart from now on (zones, or sections of a zone). False if none of them is an alias."""
    with connection.transaction():
        found = connection.execute(
            """select from market.zones where event_key = %(event)s and first_name = %(zone)s and %(section)s = ''
                   and same_as is not null
               union all
               select from market.sections inner join market.zones using (event_key, zone_key)
               where event_key = %(event)s and first_name = %(zone)s and sections.name = %(section)s
                   and place_id is not null""",
            {"event": event_key, "zone": zone, "section": section},
        ).fetchone()
        if found is None:
            return False
        connection.execute(
            """insert into market.places_apart (event_key, zone_name, section_name, reason) values (%s, %s, %s, %s)
               on conflict do nothing""",
            [event_key, zone, section, reason],
        )
        settle_aliases(connection, [event_key])
    return True


def as_columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    """Rows as columns: one statement with arrays for all of them."""
    return [[row[number] for row in rows] for number in range(width)]
