"""How often people looked at an event's prices here: what is viewed is scraped more often."""

from collections.abc import Mapping
from datetime import datetime

from orchestration.warehouse import Connection


def record_views(connection: Connection, views: Mapping[int, int], at: datetime | None = None) -> None:
    """Count views of events (event_key -> how many) in the hour of `at` (default: now). Unknown events are left out.

    Cheap enough for every few seconds; collect what comes between, a call per view would lock too often.
    """
    counted = sorted((event_key, count) for event_key, count in views.items() if count > 0)
    connection.execute(
        """insert into market.event_views as known (event_key, hour, views)
           select event_key, date_bin('1 hour', coalesce(%s, now()), timestamptz '2000-01-01 00:00Z'), new.views
           from unnest(%s::int[], %s::int[]) as new (event_key, views) inner join market.events using (event_key)
           order by event_key
           on conflict (event_key, hour) do update set views = known.views + excluded.views""",
        [at, [event_key for event_key, _ in counted], [count for _, count in counted]],
    )


def forget(connection: Connection, before: datetime) -> int:
    """Delete the counts of older hours; how many rows."""
    return connection.execute("delete from market.event_views where hour < %s", [before]).rowcount
