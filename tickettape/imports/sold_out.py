"""Find what would look sold out: zones that one observation of an event has and the next one lacks."""

import pyarrow as pa

from tickettape.database import Connection
from tickettape.imports.staging import StagedListings
from tickettape.imports.staging_tables import copy_table


def sold_out_by(connection: Connection, staged: StagedListings) -> str:
    """A sentence: how often a zone would look sold out, with an example."""
    if not staged.request.whole_inventory:
        return "Nothing would look sold out: the observations are partial."
    zones: dict[tuple[int, str], int] = {}
    numbers = {
        section_no: zones.setdefault((event_no, zone_id or zone), len(zones))
        for (event_no, zone, zone_id, *_), section_no in staged.sections.items()
    }
    connection.execute(
        """drop table if exists pg_temp.staged_zones;
           create temp table staged_zones (section_no integer primary key, zone_no integer not null)"""
    )
    table = pa.table({"section_no": pa.array(numbers, pa.int64()), "zone_no": pa.array(numbers.values(), pa.int64())})
    copy_table(connection, "staged_zones", ("section_no", "zone_no"), table)
    row = connection.execute(
        """with for_sale as (
               select distinct event_no, second, zone_no
               from staged_listings inner join staged_zones using (section_no) where quantity > 0
           ), observed as (
               select event_no, second, lead(second) over (partition by event_no order by second) as next
               from staged_listings group by event_no, second
           ), lost as (
               select event_no, second from staged_refused union select event_no, second from staged_unsure
           ), gone as (
               select event_no, zone_no, second, next
               from for_sale inner join observed using (event_no, second)
               where next is not null and not exists (
                   select from for_sale as later
                   where later.event_no = for_sale.event_no and later.zone_no = for_sale.zone_no
                       and later.second = observed.next)
                   -- an observation that lost a row, or may have, is partial: what it lacks is not sold out
                   and not exists (select from lost where event_no = observed.event_no and second = observed.next)
                   and not exists (select from lost where event_no = observed.event_no and second is null)
                   and not exists (select from lost where event_no is null and second = observed.next)
                   and not exists (select from lost where event_no is null and second is null)
           )
           select count(*), count(distinct zone_no), (select count(*) from for_sale),
               (array_agg(zone_no order by next, zone_no))[1],
               to_char(min(to_timestamp(next)) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
           from gone"""
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate has a row
    times, of_zones, for_sale, zone_no, second = row
    if not times:
        return "Nothing would look sold out: no zone disappears between two observations."
    event_no, zone = next(key for key, number in zones.items() if number == zone_no)
    event = next(event for event, number in staged.events.items() if number == event_no)
    return (
        f"{of_zones:,} zones would look sold out, {times:,} times in all (zones are for sale {for_sale:,} times). "
        f"The first: {zone} of {event}, missing at {second} UTC. If the file does not hold everything that was for "
        "sale, add --partial."
    )
