"""Events: added and kept up to date, retired when they are past or unknown, found by their ids."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from tickettape.database import Connection

NOT_STATED: dict[str, Any] = {
    "date_status": "known",
    "venue_id": None,
    "latitude": None,
    "longitude": None,
    "sales_state": None,
    "on_sale_at": None,
    "off_sale_at": None,
    "page_url": None,
}
"""What not every source states, with the value that is stored for a source that does not."""


@dataclass(frozen=True)
class Event:
    """An event to watch, as the tables join it and as the marketplace knows it."""

    event_key: int
    external_id: str
    name: str
    date: datetime | None
    date_status: str = "known"


def upsert_events(connection: Connection, source: str, events: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Add or refresh catalogue entries; returns (added, refreshed). A retired event with a later date is watched again.

    What is in NOT_STATED may be left out. If no venue or no page is given, a known one stays; a new event gets the
    venue "unknown".
    """
    added = refreshed = 0
    for event in events:
        row = connection.execute(
            """insert into market.events as known
                   (source, external_id, name, venue, city, state, country, venue_time_zone, date,
                    date_status, category, performer_id, performer_name, image_url,
                    venue_external_id, latitude, longitude, sales_state, on_sale_at, off_sale_at,
                    page_url)
               values (%(source)s, %(external_id)s, %(name)s, coalesce(%(venue)s, 'unknown'), %(city)s, %(state)s,
                       %(country)s, %(venue_time_zone)s, %(date)s, %(date_status)s, %(category)s, %(performer_id)s,
                       %(performer_name)s, %(image_url)s, %(venue_id)s, %(latitude)s, %(longitude)s,
                       %(sales_state)s, %(on_sale_at)s, %(off_sale_at)s, %(page_url)s)
               on conflict (source, external_id) do update set
                   name = excluded.name, venue = coalesce(%(venue)s, known.venue), city = excluded.city,
                   state = excluded.state, country = excluded.country, venue_time_zone = excluded.venue_time_zone,
                   date = excluded.date,
                   date_status = excluded.date_status, category = excluded.category,
                   performer_id = excluded.performer_id,
                   performer_name = excluded.performer_name, image_url = excluded.image_url,
                   venue_external_id = excluded.venue_external_id,
                   latitude = excluded.latitude, longitude = excluded.longitude,
                   sales_state = excluded.sales_state, on_sale_at = excluded.on_sale_at,
                   off_sale_at = excluded.off_sale_at,
                   page_url = coalesce(%(page_url)s, known.page_url),
                   updated_at = now(),
                   active = known.active or excluded.watched_until > now(),
                   retired_because = case when excluded.watched_until > now() then null else known.retired_because end
               where (known.name, known.venue, known.city, known.state, known.country, known.venue_time_zone,
                      known.date, known.date_status, known.category, known.performer_id, known.performer_name,
                      known.image_url, known.venue_external_id, known.latitude, known.longitude,
                      known.sales_state, known.on_sale_at, known.off_sale_at, known.page_url)
                   is distinct from
                     (excluded.name, coalesce(%(venue)s, known.venue), excluded.city, excluded.state, excluded.country,
                      excluded.venue_time_zone, excluded.date, excluded.date_status, excluded.category,
                      excluded.performer_id, excluded.performer_name, excluded.image_url,
                      excluded.venue_external_id, excluded.latitude, excluded.longitude,
                      excluded.sales_state, excluded.on_sale_at, excluded.off_sale_at,
                      coalesce(%(page_url)s, known.page_url))
                   or not known.active and excluded.watched_until > now()
               returning xmax = 0""",
            {"source": source, **NOT_STATED, **event},
        ).fetchone()
        if row is not None:
            added, refreshed = (added + 1, refreshed) if row[0] else (added, refreshed + 1)
    return added, refreshed


def retire_events(connection: Connection, source: str, *, now: datetime, misses_to_retire: int) -> dict[str, int]:
    """Retire events that are past, unknown to the marketplace, or covered by no rule; returns counts by reason.

    A single miss retires nothing: a 404 was seen on valid events.
    """
    retired = connection.execute(
        """with reasons as (
               select event_key,
                   case
                       when watched_until <= %(now)s then 'past'
                       when (select count(*) filter (where status = 'missing')
                             from (select status from market.captures c
                                   where c.event_key = e.event_key and c.status not in ('missed', 'void')
                                       and c.tick > %(now)s - interval '2 days'
                                   order by tick desc limit %(misses)s) as newest) = %(misses)s
                           then 'unknown to the marketplace'
                       when not exists (select from market.rule_events r where r.event_key = e.event_key)
                           then 'untracked'
                   end as reason
               from market.events e
               where source = %(source)s and active
           ),
           retired as (
               update market.events e set active = false, retired_because = reason, updated_at = %(now)s
               from reasons
               where e.event_key = reasons.event_key and reason is not null
               returning reason
           )
           select reason, count(*) from retired group by reason order by reason""",
        {"source": source, "now": now, "misses": misses_to_retire},
    ).fetchall()
    return {str(reason): int(count) for reason, count in retired}


def events_watched_at(connection: Connection, source: str, tick: datetime) -> list[Event]:
    """The events to capture at a tick: watched, and not begun by then. Ordered by date, soonest first, unknown last."""
    with connection.cursor(row_factory=class_row(Event)) as cursor:
        return cursor.execute(
            """select event_key, external_id, name, date, date_status from market.events
               where source = %s and watched_until > %s and (active or retired_because = 'past')
               order by date, event_key""",
            [source, tick],
        ).fetchall()


def find_event(connection: Connection, source: str, external_id: str) -> Event | None:
    """The event that a source knows by this id."""
    with connection.cursor(row_factory=class_row(Event)) as cursor:
        return cursor.execute(
            """select event_key, external_id, name, date, date_status from market.events
               where source = %s and external_id = %s""",
            [source, external_id],
        ).fetchone()
