"""A zone that is gone from an answer, at marketplaces where one answer alone is no evidence.

Where an answer states neither totals nor empty zones, a shortened answer looks like a complete one of fewer zones. So
the first answer without a zone that the event's answer before had is partial, and the second one counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from tickettape.database import Connection
from tickettape.marketplaces import Inventory

NAMED = 3  # of the zones that are gone


def zones_before(connection: Connection, event_keys: Sequence[int], tick: datetime) -> dict[int, set[str]]:
    """The ids of the zones that were for sale at the newest usable capture of each event before a tick."""
    rows = connection.execute(
        """select asked.event_key, array_agg(distinct zones.external_id)
           from unnest(%(events)s::integer[]) as asked (event_key)
           cross join lateral (
               select captures.tick from market.captures
               where captures.event_key = asked.event_key and captures.tick < %(tick)s
                   and captures.status in ('ok', 'empty', 'partial')
               order by captures.tick desc
               limit 1
           ) as newest
           cross join lateral (
               select event_key, section_key from market.all_snapshots
               where event_key = asked.event_key and tick = newest.tick
                   and date = (newest.tick at time zone 'UTC')::date
           ) as stored
           inner join market.sections
               on sections.event_key = stored.event_key and sections.section_key = stored.section_key
           inner join market.zones
               on zones.event_key = sections.event_key and zones.zone_key = sections.home_zone_key
           group by asked.event_key""",
        {"events": list(event_keys), "tick": tick},
    ).fetchall()
    return {int(event_key): set(zones) for event_key, zones in rows}


def doubt_vanished_zones(inventory: Inventory, before: Mapping[int, set[str]], event_key: int) -> Inventory:
    """The inventory; partial if it lacks a zone that the answer before had."""
    known = before.get(event_key)
    gone = sorted(known - {listing.zone_id for listing in inventory.listings}) if known else []
    if not gone:
        return inventory
    more = f" and {len(gone) - NAMED} more" if len(gone) > NAMED else ""
    said = f"{', '.join(gone[:NAMED])}{more} had listings before, and one answer alone is no evidence that they sold."
    return replace(inventory, status="partial", contradictions=[*inventory.contradictions, said])
