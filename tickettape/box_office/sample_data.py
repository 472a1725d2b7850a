"""Data for trying the box office out: an event with tiers and 5,000 seats, and one with 80,000."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from tickettape.box_office.events import Seat, add_seats, add_tier, create_event
from tickettape.database import Connection

HALL_SEATS, STADIUM_SEATS = 5_000, 80_000
SEATS_IN_A_ROW = 25
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
    added = []
    for title, venue, days, seats in (
        ("Sample concert", "Sample Hall", 30, HALL_SEATS),
        ("Sample final", "Sample Stadium", 60, STADIUM_SEATS),
    ):
        with connection.transaction():
            event_id = create_event(
                connection, title, venue, now + timedelta(days=days), city="Springfield", country="US", status="on_sale"
            )
            if seats == HALL_SEATS:
                add_tier(connection, event_id, "Standing", Decimal(40), 1_000)
                add_tier(connection, event_id, "Early standing", Decimal(30), 200, max_purchase=4)
            connection.execute(
                """insert into box_office.seat_views (event_id, section, view_quality_score, distance_to_stage_meters)
                   select %s, 'S' || lpad(number::text, 2, '0'), greatest(1, 10 - number / 8), 10 + 2 * number
                   from generate_series(1, %s) as number""",
                [event_id, -(-seats // (40 * SEATS_IN_A_ROW))],
            )
            add_seats(connection, event_id, seat_plan(seats))
        added.append(event_id)
    return added
