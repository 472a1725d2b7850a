"""Forecasts and their record as rows, for the pages and the API: what the program would have written."""

from datetime import UTC, datetime, timedelta

from tests.support.markets import add_event
from tickettape.database import Connection


def say_forecasts(connection: Connection, event_key: int, origin: datetime, *, price: float = 80.0) -> None:
    """A table, and forecasts of an event at an origin, 1, 3, 7 and 14 days ahead; the gate of 1 day is open."""
    connection.execute(
        """insert into market.forecast_tables (measure, as_of, events, pairs)
           select 'get_in', %s, 150, 9000 where not exists (select from market.forecast_tables)""",
        [origin],
    )
    for number, horizon in enumerate((1, 3, 7, 14), 1):
        width = 0.05 * number
        mid = price * (0.98 if horizon == 1 else 1)
        connection.execute(
            """insert into market.forecasts (
                   measure, event_key, origin, horizon_days, days_to_event, origin_value, observed_at, version, n,
                   quantiles, base_quantiles, low, low_50, mid, high_50, high, gate_open
               ) select 'get_in', %s, %s, %s, 20, %s, %s, max(version), 400, %s, %s, %s, %s, %s, %s, %s, %s
               from market.forecast_tables""",
            [
                *(event_key, origin, horizon, price, origin - timedelta(hours=1)),
                *([-width, -width / 2, -0.02, width / 2, width], [-width, -width / 2, 0.0, width / 2, width]),
                *(mid * (1 - width), mid * (1 - width / 2), mid, mid * (1 + width / 2), mid * (1 + width)),
                horizon == 1,
            ],
        )


def say_zones_forecast(connection: Connection, event_key: int, zone: str, origin: datetime) -> None:
    """The forecast of a zone at an origin, a day ahead; its table is the one of get-in prices."""
    connection.execute(
        """insert into market.forecasts (
               measure, event_key, zone_key, origin, horizon_days, days_to_event, origin_value, observed_at, version, n,
               low, low_50, mid, high_50, high, gate_open
           )
           select 'zones', event_key, zone_key, %(origin)s, 1, 20, 50, %(origin)s::timestamptz - interval '1 hour',
               (select max(version) from market.forecast_tables), 400, 40, 45, 50, 55, 60, false
           from market.zones where event_key = %(event)s and name = %(zone)s""",
        {"event": event_key, "zone": zone, "origin": origin},
    )


def keep_record(connection: Connection, origin: datetime) -> None:
    """The record of a night, the base rates and the trends of all."""
    for horizon in (1, 3, 7, 14):
        for phase in ("0-3", "4-7", "8-14", "15-30", "over 30"):
            first = phase == "15-30"
            connection.execute(
                """insert into market.forecast_looks (
                       measure, looked_on, horizon_days, phase, weekly, forecasts, events, weeks, left_out,
                       first_origin, last_target, error_ratio, upper_bound, recent_error_ratio, shown_error_ratio,
                       pinball_loss, base_pinball_loss, coverage_80, coverage_50, passed, gate_open
                   ) values ('get_in', %s, %s, %s, true, %s, %s, %s, 2, %s, %s, %s, %s, %s, %s, %s, %s, %s,
                       %s, %s, %s)""",
                [
                    *(origin.date(), horizon, phase, 310 * first, 120 * first, 14 * first),
                    *((origin - timedelta(days=90), origin, 0.93, 0.97, 0.95, 0.94) if first else (None,) * 6),
                    *((0.03, 0.031, 0.79, 0.5) if first else (None,) * 4),
                    *(first and horizon == 1, first and horizon == 1),
                ],
            )
            if phase == "0-3":
                continue  # nothing like it is over
            connection.execute(
                """insert into market.forecast_base_rates values (%s, %s, 150, 900, 0.3, 0.41, 0.25, 0.18, -0.2, -0.01,
                       0.2, %s)""",
                [phase, horizon, origin],
            )
    connection.execute(
        """insert into market.market_trends values
               ('all', 7, %(day)s, -0.04, -0.06, -0.01, 'down', 0.12, 240),
               ('all', 28, %(day)s, 0.01, -0.02, 0.04, 'no trend', null, 230)""",
        {"day": origin.date()},
    )


def say_last_price(connection: Connection, event_key: int, origin: datetime) -> None:
    """The forecast of an event two days ahead of it, where no table could be fitted yet."""
    connection.execute(
        """insert into market.forecasts
               (measure, event_key, origin, horizon_days, days_to_event, origin_value, observed_at, n, mid, gate_open)
           values ('get_in', %s, %s, 1, 2, 99, %s, 0, 99, false)""",
        [event_key, origin, origin - timedelta(hours=1)],
    )


def add_comparables(connection: Connection, count: int = 8) -> list[str]:
    """The event `new`, which is to come, and so many like it; their names, the cheapest first.

    All are of one performer, on one weekday, and were observed 20 days before they begin.
    """
    begin, names = datetime.now(UTC) + timedelta(days=20), [f"like {number}" for number in range(count)]
    for number, name in enumerate(["new", *names]):
        date = begin - timedelta(days=7 * number)
        add_event(connection, name, name=name, date=date, performer_id="a band")
        connection.execute(
            """insert into analytics.get_in_hours
                   (event_id, hour, timestamp, total_listings, min_price_2tickets, created_at)
               select id, hour, hour, 9, %s, now() from market.events,
                   date_trunc('hour', %s::timestamptz - interval '21 days') as hour where name = %s""",
            [50 + number, date, name],
        )
    connection.execute(
        """update market.events set currency = 'USD', venue_time_zone = case when name != 'like 0' then 'UTC' end
           where name = any(%s)""",
        [["new", *names]],
    )
    return names


def add_past_like(connection: Connection, event_key: int, count: int = 8) -> list[str]:
    """Events of last week like one that is to come, for $20 and more as far from their day as it is now; their names.

    Nothing else of the site shows them: they are not watched any more.
    """
    names = [f"past {number}" for number in range(count)]
    connection.execute(
        """insert into market.events (
               source, external_id, name, venue, venue_time_zone, date, currency, category, performer_id, active
           )
           select source, past.name, past.name, venue, venue_time_zone, date - interval '7 days', currency,
               category, performer_id, false
           from market.events, unnest(%s::text[]) as past (name) where event_key = %s""",
        [names, event_key],
    )
    connection.execute(
        """insert into analytics.get_in_hours
               (event_id, hour, timestamp, total_listings, min_price_2tickets, created_at)
           select past.id, newest.hour - (newest.date - past.date), newest.hour - (newest.date - past.date), 9,
               20 + split_part(past.name, ' ', 2)::int, now()
           from market.events as past, (
               select date, origin - interval '1 hour' as hour from analytics.get_in_days
               inner join market.events as events using (event_key) where event_key = %s order by origin desc limit 1
           ) as newest where past.name = any(%s)""",
        [event_key, names],
    )
    return names
