"""Histories of get-in prices for tests of forecasts: written straight into the hours that the daily prices read."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np

from tickettape.database import Connection

DAY = timedelta(days=1)
FIRST = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday


def add_events(connection: Connection, begins: Sequence[datetime], *, source: str = "history") -> list[int]:
    """Events that begin at these times; their keys, in order."""
    rows = connection.execute(
        """insert into market.events (source, external_id, name, venue, date, currency, category, venue_time_zone)
           select %s, place::text, 'Event ' || place, 'The Hall', begins_at, 'USD', 'Concerts', 'UTC'
           from unnest(%s::timestamptz[]) with ordinality as dates (begins_at, place)
           order by dates.place returning event_key""",
        [source, list(begins)],
    )
    return sorted(event_key for (event_key,) in rows)


def observe_hour(
    connection: Connection, event_key: int, hour: datetime, price: float, *, listings: int = 40, minutes: int = 50
) -> None:
    """One hour of get-in prices, in place of what the hour had; observed so many minutes into it."""
    connection.execute(
        """insert into analytics.get_in_hours
               (event_id, hour, timestamp, total_listings, min_price_2tickets, created_at)
           select id, %(hour)s, %(hour)s::timestamptz + %(minutes)s * interval '1 minute', %(listings)s, %(price)s,
               now()
           from market.events where event_key = %(event)s
           on conflict (event_id, hour) do update set min_price_2tickets = excluded.min_price_2tickets,
               total_listings = excluded.total_listings, timestamp = excluded.timestamp""",
        {"event": event_key, "hour": hour, "minutes": minutes, "listings": listings, "price": round(price, 2)},
    )


def observe_days(
    connection: Connection,
    rows: Iterator[tuple[int, datetime, float, int]] | Sequence[tuple[int, datetime, float, int]],
) -> None:
    """(event, origin, price, listings): each price as the last hour before its origin."""
    ids: dict[int, UUID] = dict(connection.execute("select event_key, id from market.events").fetchall())
    with connection.cursor().copy(
        "copy analytics.get_in_hours (event_id, hour, timestamp, total_listings, min_price_2tickets, created_at) "
        "from stdin"
    ) as copy:
        for event_key, origin, price, listings in rows:
            hour = origin - timedelta(hours=1)
            copy.write_row((ids[event_key], hour, hour, listings, round(price, 2), origin))


def sell(connection: Connection, event_key: int, hour: datetime, tickets: int, *, verdict: str = "sold") -> None:
    """A listing of so many tickets that went in an hour, with the verdict on it."""
    connection.execute(
        """insert into analytics.listing_departures (
               event_id, listing_id, hour, timestamp, zone, section, seat_row, what, tickets, price, first_seen_at,
               captures_absent, verdict, confidence, reason, created_at
           )
           select id, %(hour)s::timestamptz::text, %(hour)s, %(hour)s, 'Floor', '1', 'A', 'went', %(tickets)s, 50,
               %(hour)s, 9, %(verdict)s, 0.5, 'gone', now()
           from market.events where event_key = %(event)s""",
        {"event": event_key, "hour": hour, "tickets": tickets, "verdict": verdict},
    )


def observe_zones(connection: Connection, rows: Sequence[tuple[int, str, datetime, float]]) -> None:
    """(event, zone, origin, price): each price as the last hour before its origin. Zones that are new are made."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """insert into market.zones (event_key, external_id, name, display_name) values (%s, %s, %s, %s)
               on conflict do nothing""",
            sorted({(event_key, zone, zone, zone) for event_key, zone, *_ in rows}),
        )
        cursor.executemany(
            """insert into analytics.aggregated_analytics (
                   event_id, zone, hour, last_priced_at, min_price, avg_price, max_price, last_price,
                   min_price_2tickets, total_tickets, total_listings, peak_tickets, min_tickets, avg_tickets,
                   capture_count, snapshot_count, price_sum_cents, listings_seen, tickets_seen, created_at
               )
               select id, %(zone)s, %(hour)s, %(hour)s, %(price)s, %(price)s, %(price)s, %(price)s, %(price)s,
                   2, 1, 2, 2, 2, 1, 1, 1, 1, 2, now()
               from market.events where event_key = %(event)s""",
            [
                {"event": event_key, "zone": zone, "hour": origin - timedelta(hours=1), "price": round(price, 2)}
                for event_key, zone, origin, price in rows
            ],
        )


def random_history(
    connection: Connection, *, events: int, days: int = 20, a_day: int = 3, drop: float = 0.0, seed: int = 1
) -> list[int]:
    """Events with prices of `days` days each, `a_day` of them beginning every day from day `days` on; their keys.

    A price moves at random, and by `drop` (as a log) on each of its last 3 days.
    """
    draw = np.random.default_rng(seed)
    begins = [FIRST + (days + number // a_day) * DAY + timedelta(hours=20) for number in range(events)]
    keys = add_events(connection, begins)

    def rows() -> Iterator[tuple[int, datetime, float, int]]:
        for key, begin in zip(keys, begins, strict=True):
            moves = draw.normal(0, 0.05, days)
            moves[-3:] -= drop
            for place, price in enumerate(100 * np.exp(np.cumsum(moves))):
                origin = begin - timedelta(hours=20) - (days - 1 - place) * DAY
                yield key, origin, float(price), int(draw.integers(20, 60))

    observe_days(connection, rows())
    return keys
