"""How often people looked at an event's prices here: what is viewed is scraped more often."""

from datetime import datetime
from typing import LiteralString

from tickettape.database import Connection

ADD_EVENT_VIEWS: LiteralString = """
    insert into market.event_views as known (event_key, hour, views)
    select events.event_key, date_bin('1 hour', %(at)s, timestamptz '2000-01-01 00:00Z'), new.views
    from unnest(%(ids)s::uuid[], %(counts)s::int[]) as new (id, views) inner join market.events using (id)
    where new.views > 0
    order by events.event_key
    on conflict (event_key, hour) do update set views = known.views + excluded.views"""
"""Count views of events (`ids`, `counts`) in the hour of `at`; unknown events are left out. Cheap enough for every few
seconds; collect what comes between, a statement per view would lock too often."""


def delete_event_views_before(connection: Connection, before: datetime) -> int:
    """Delete the counts of older hours; how many rows."""
    return connection.execute("delete from market.event_views where hour < %s", [before]).rowcount
