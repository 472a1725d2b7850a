"""What a catalogue without listings says of events: stored when it is asked for, and forgotten after some days.

Its events are never watched. They are there to be linked with the events of marketplaces, and for their price ranges.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from tickettape.catalogue import upsert_events
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces import MarketplaceEvent
from tickettape.observations.price_ranges import PriceRange, store_price_ranges
from tickettape.rollups import in_rollups

LISTED_ONLY = "listed in a catalogue without listings"


def store_catalogue_entries(
    connection: Connection, source: str, events: Sequence[MarketplaceEvent], at: datetime
) -> int:
    """Store events of a catalogue, and their price ranges at `at` (UTC); returns how many price ranges."""
    ensure_partitions(connection, [at])
    with connection.transaction():
        upsert_events(connection, source, map(asdict, events))
        rows = connection.execute(
            """update market.events set active = false, retired_because = %(why)s, listed_at = %(at)s
               where source = %(source)s and external_id = any(%(ids)s)
               returning external_id, event_key""",
            {"why": LISTED_ONLY, "at": at, "source": source, "ids": [one.external_id for one in events]},
        ).fetchall()
        event_keys: dict[str, int] = dict(rows)
        ranges = [
            PriceRange(tick=at, event_key=event_keys[one.external_id], **asdict(one.price_range))
            for one in events
            if one.price_range is not None
        ]
        store_price_ranges(connection, ranges)
    return len(ranges)


def forget_catalogue_entries(connection: Connection, source: str, before: datetime) -> tuple[int, int]:
    """Delete what a catalogue said before an instant: price ranges, then events that nothing refers to any more.

    An event whose hours are not yet refreshed stays until the next time. Links keep their ids, and no more of it.
    Returns how many price ranges and how many events.
    """
    ranges = connection.execute(
        """delete from market.price_ranges using market.events
           where events.event_key = price_ranges.event_key and events.source = %s and events.listed_at is not null
               and price_ranges.tick < %s""",
        [source, before],
    ).rowcount
    events = connection.execute(
        f"""delete from market.events
            where source = %s and listed_at < %s
                and not exists (select from market.price_ranges where price_ranges.event_key = events.event_key)
                and not ({in_rollups(connection, "price_ranges")})""",  # noqa: S608
        [source, before],
    ).rowcount
    return ranges, events
