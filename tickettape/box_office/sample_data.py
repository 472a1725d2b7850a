"""Data for trying the box office out: an event with tiers and 5,000 seats, and one with 80,000.

Where everything is simulated, `make serve` opens a demo: the first event with a part of it sold, and a promoter whose
password is new at each start.
"""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import psycopg

from tickettape.box_office.events import Seat, add_seats, add_tier, create_event
from tickettape.box_office.passwords import hash_password
from tickettape.box_office.refusals import call
from tickettape.database import Connection

HALL_SEATS, STADIUM_SEATS = 5_000, 80_000
SEATS_IN_A_ROW = 25
VENUE_TIME_ZONE = ZoneInfo("America/Chicago")
DEMO_PROMOTER = "promoter@example.com"

SALES_OF_A_WEEK = """
    with buyers as (
        insert into box_office.users (email, full_name, password_hash)
        select format('buyer%%s@example.com', number), 'Sample Buyer ' || number, '!'
        from generate_series(1, 20) as number
        on conflict (email) do update set updated_at = now() returning id),
    numbered as (select id, row_number() over () as number from buyers),
    held as materialized (
        select sale, box_office.hold_best_available(
            (select id from numbered where number = 1 + sale %% 20), %(event)s, 2 + sale %% 4, null,
            'S0' || (1 + sale %% 4)) as booking
        from generate_series(1, 200) as sale)
    select count(box_office.confirm(booking)) from held;
    select count(box_office.purchase(
        (select id from box_office.users where email = format('buyer%%s@example.com', 1 + sale %% 20)), %(event)s,
        array[tiers.id], array[1 + sale %% 4]))
    from box_office.ticket_tiers as tiers, generate_series(1, 70) as sale where tiers.event_id = %(event)s;
    update box_office.bookings set created_at = created_at - (id %% 168) * interval '1 hour',
        confirmed_at = confirmed_at - (id %% 168) * interval '1 hour' where event_id = %(event)s;
    update box_office.orders set created_at = created_at - (id %% 168) * interval '1 hour',
        paid_at = paid_at - (id %% 168) * interval '1 hour' where event_id = %(event)s;
    update box_office.tickets set created_at = tickets.created_at
        - (coalesce(order_id, booking_id) %% 168) * interval '1 hour' where event_id = %(event)s"""
"""The sales of an event in the week before, by invented buyers who cannot log in."""

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
    concert = _add_concert(connection, now, None)
    later = now + timedelta(days=60)
    return [concert, _add_event(connection, "Sample final", "Sample Stadium", later, STADIUM_SEATS, None)]


def open_demo(connection: Connection, now: datetime) -> str:
    """See that the demo promoter's event is on sale, with a part of it sold. Returns the promoter's new password."""
    password = secrets.token_urlsafe(9)
    with connection.transaction():
        row = connection.execute(
            """insert into box_office.users (email, full_name, password_hash) values (%s, 'Demo Promoter', %s)
               on conflict (email) do update set password_hash = excluded.password_hash returning id""",
            [DEMO_PROMOTER, hash_password(password)],
        ).fetchone()
        assert row is not None  # noqa: S101  an insert returns its row
        promoter = int(call(connection, "select box_office.make_promoter(%s, 'Sample Promotions')", row[0]))
    on_sale = connection.execute(
        """select from box_office.stored_events
           where promoter_id = %s and status = 'on_sale' and start_time > %s limit 1""",
        [promoter, now],
    ).fetchone()
    if on_sale is None:
        _sell_some(connection, _add_concert(connection, now, promoter))
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


def _add_concert(connection: Connection, now: datetime, promoter_id: int | None) -> int:
    event_id = _add_event(
        connection, "Sample concert", "Sample Hall", now + timedelta(days=30), HALL_SEATS, promoter_id
    )
    add_tier(connection, event_id, "Standing", Decimal(40), 1_000)
    add_tier(connection, event_id, "Early standing", Decimal(30), 200, max_purchase=4)
    return event_id


def _add_event(
    connection: Connection, title: str, venue: str, start: datetime, seats: int, promoter_id: int | None
) -> int:
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
            promoter_id=promoter_id,
        )
        connection.execute(
            """insert into box_office.seat_views (event_id, section, view_quality_score, distance_to_stage_meters)
               select %s, 'S' || lpad(number::text, 2, '0'), greatest(1, 10 - number / 8), 10 + 2 * number
               from generate_series(1, %s) as number""",
            [event_id, -(-seats // (40 * SEATS_IN_A_ROW))],
        )
        add_seats(connection, event_id, seat_plan(seats))
    return event_id


def _sell_some(connection: Connection, event_id: int) -> None:
    """A week of sales of a new event, at the counter: some 700 seats, most of the early tier, a part of the other."""
    with connection.transaction():
        psycopg.ClientCursor(connection).execute(SALES_OF_A_WEEK, {"event": event_id})
