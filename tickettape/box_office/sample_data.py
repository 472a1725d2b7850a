"""Data for trying the box office out: an event with tiers and 5,000 seats, and one with 80,000.

Where everything is simulated, `make serve` opens a demo: an event that is also resold at the simulated marketplace, and
a promoter whose password is new at each start. `simulated_sales` sells it.
"""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tickettape.box_office.events import Seat, add_seats, add_tier, create_event
from tickettape.box_office.passwords import hash_password
from tickettape.box_office.refusals import call
from tickettape.box_office.simulated_sales import (
    DEMO_PROMOTER,
    open_simulated_event,
    sell_simulated_event,
    simulated_event,
)
from tickettape.database import Connection
from tickettape.marketplaces import FirstHandSales

HALL_SEATS, STADIUM_SEATS = 5_000, 80_000
SEATS_IN_A_ROW = 25
VENUE_TIME_ZONE = ZoneInfo("America/Chicago")

PRICES = (Decimal(180), Decimal(120), Decimal(85), Decimal(60), Decimal(45))


def seat_plan(seats: int) -> Iterator[Seat]:
    """So many seats: sections of up to 40 rows of 25 seats, the first ones the dearest."""
    for number in range(seats):
        row, seat = divmod(number, SEATS_IN_A_ROW)
        section, row_in_section = divmod(row, 40)
        price = PRICES[min(len(PRICES) - 1, section * len(PRICES) * 40 * SEATS_IN_A_ROW // seats)]
        yield Seat(f"S{section + 1:02}", str(row_in_section + 1), str(seat + 1), price)


def add_sample_events(connection: Connection, now: datetime) -> list[int]:
    """Add the two events, on sale. Returns their ids."""
    concert = _add_event(connection, "Sample concert", "Sample Hall", now + timedelta(days=30), HALL_SEATS)
    add_tier(connection, concert, "Standing", Decimal(40), 1_000)
    add_tier(connection, concert, "Early standing", Decimal(30), 200, max_purchase=4)
    return [concert, _add_event(connection, "Sample final", "Sample Stadium", now + timedelta(days=60), STADIUM_SEATS)]


def open_demo(connection: Connection, sales: FirstHandSales, now: datetime) -> str:
    """See that the demo promoter has an event on sale, sold as far as it is by now. Returns the new password."""
    password = secrets.token_urlsafe(9)
    with connection.transaction():
        row = connection.execute(
            """insert into box_office.users (email, full_name, password_hash) values (%s, 'Demo Promoter', %s)
               on conflict (email) do update set password_hash = excluded.password_hash returning id""",
            [DEMO_PROMOTER, hash_password(password)],
        ).fetchone()
        assert row is not None  # noqa: S101  an insert returns its row
        promoter = int(call(connection, "select box_office.make_promoter(%s, 'Sample Promotions')", row[0]))
    if simulated_event(connection, now) is None:
        open_simulated_event(connection, sales.following(now), promoter)
    sell_simulated_event(connection, sales, now)
    return password


def close_demo(connection: Connection) -> None:
    """Log the demo promoter out for good, and take the demo's events off sale."""
    connection.execute(
        """with promoter as (
               update box_office.users set password_hash = '!' where email = %s returning id),
           ended as (
               delete from box_office.sessions where user_id in (select id from promoter))
           update box_office.stored_events set status = 'off_sale'
           where status = 'on_sale' and promoter_id in (
               select promoters.id from box_office.promoters inner join promoter on promoter.id = promoters.user_id)""",
        [DEMO_PROMOTER],
    )


def _add_event(connection: Connection, title: str, venue: str, start: datetime, seats: int) -> int:
    with connection.transaction():
        event_id = create_event(
            connection,
            title,
            venue,
            start.astimezone(VENUE_TIME_ZONE).replace(hour=19, minute=30, second=0, microsecond=0),
            city="Springfield",
            country="US",
            venue_time_zone=str(VENUE_TIME_ZONE),
            status="on_sale",
        )
        connection.execute(
            """insert into box_office.seat_views (event_id, section, view_quality_score, distance_to_stage_meters)
               select %s, 'S' || lpad(number::text, 2, '0'), greatest(1, 10 - number / 8), 10 + 2 * number
               from generate_series(1, %s) as number""",
            [event_id, -(-seats // (40 * SEATS_IN_A_ROW))],
        )
        add_seats(connection, event_id, seat_plan(seats))
    return event_id
