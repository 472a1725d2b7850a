"""The invented event of the demo: on sale here, and sold to invented buyers as its simulator says.

The simulator knows who buys what, and when. Here it is bought, through the same functions as by anybody else, so that
what people buy beside it is never sold twice. Who buys to resell is not known here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from tickettape.box_office.bookings import confirm, hold_best_available
from tickettape.box_office.events import Seat, add_seats, create_event
from tickettape.box_office.refusals import RefusedError
from tickettape.database import Connection
from tickettape.marketplaces import FirstHandSale, FirstHandSales

DEMO_PROMOTER = "promoter@example.com"
SLUG = "simulated-"  # and the event's id at the marketplace
BUYERS = 20
SEATS_IN_A_ROW = 25
BATCH = 50  # purchases in one transaction
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('simulated sales', 0))"


@dataclass(frozen=True)
class SimulatedEvent:
    """An event of the demo: its id here, and at the simulated marketplace."""

    event_id: int
    external_id: str


def simulated_event(connection: Connection, now: datetime) -> SimulatedEvent | None:
    """The demo's event that is on sale; None if there is none."""
    row = connection.execute(
        """select events.id, substr(events.slug, length(%(slug)s) + 1)
           from box_office.stored_events as events
           inner join box_office.promoters on promoters.id = events.promoter_id
           inner join box_office.users on users.id = promoters.user_id
           where users.email = %(promoter)s and starts_with(events.slug, %(slug)s)
               and events.status = 'on_sale' and events.start_time > %(now)s
           order by events.start_time limit 1""",
        {"slug": SLUG, "promoter": DEMO_PROMOTER, "now": now},
    ).fetchone()
    return SimulatedEvent(int(row[0]), str(row[1])) if row else None


def open_simulated_event(connection: Connection, sale: FirstHandSale, promoter_id: int) -> int:
    """Put an invented event on sale, or on sale again. Returns its id."""
    production, slug = sale.production, f"{SLUG}{sale.external_id}"
    again = connection.execute(
        "update box_office.stored_events set status = 'on_sale' where slug = %s returning id", [slug]
    ).fetchone()
    if again:
        return int(again[0])
    with connection.transaction():
        event_id = create_event(
            connection,
            production.name,
            production.venue.name,
            production.date,
            city=production.venue.city,
            country=production.venue.country,
            venue_time_zone=production.venue.time_zone,
            promoter_id=promoter_id,
            status="on_sale",
        )
        connection.execute("update box_office.stored_events set slug = %s where id = %s", [slug, event_id])
        add_seats(connection, event_id, _seats(sale))
    return event_id


def sell_simulated_event(connection: Connection, sales: FirstHandSales, now: datetime) -> int:
    """Buy what the demo's event has sold since the last time. Returns the number of tickets.

    Safe beside itself and when it is killed: what was bought is in the database, with its instant.
    """
    event = simulated_event(connection, now)
    sale = sales.of(event.external_id) if event else None
    if event is None or sale is None:
        return 0
    buyers, tickets = _buyers(connection), 0
    due = sale.bought(_bought_until(connection, event, buyers), now)
    for first in range(0, len(due), BATCH):
        with connection.transaction():
            connection.execute(ONE_AT_A_TIME)
            until = _bought_until(connection, event, buyers)
            bought: list[tuple[int, datetime]] = []
            for number, one in enumerate(due[first : first + BATCH]):
                if until is not None and one.at <= until:
                    continue  # another process has bought it
                buyer = buyers[number % len(buyers)]
                try:
                    with connection.transaction():
                        booking = hold_best_available(
                            connection, buyer, event.event_id, one.quantity, section=one.place
                        )
                        confirm(connection, booking)
                except RefusedError:
                    continue  # people have bought what is missing
                bought.append((booking, one.at))
                tickets += one.quantity
            _date(connection, bought)
    return tickets


def compared(connection: Connection, event_id: int, source: str, external_id: str) -> bool | None:
    """Whether both markets of an event are side by side; None as long as the marketplace's event has no prices.

    It is asked every few seconds, so it does not ask `primary_and_resale` itself: that view shows what is linked and
    summed up.
    """
    made = connection.execute(
        """select to_regclass('analytics.daily_analytics') is not null,
               to_regclass('analytics.sales_by_hour') is not null
               and to_regclass('analytics.primary_and_resale') is not null"""
    ).fetchone()
    has_prices, has_comparisons = made or (False, False)
    if not has_prices or not _has_rows(
        connection,
        """select from analytics.daily_analytics inner join market.events on events.id = event_id
           where source = %s and external_id = %s""",
        [source, external_id],
    ):
        return None
    return (
        has_comparisons
        and _has_rows(connection, "select from analytics.sales_by_hour where event_id = %s", [event_id])
        and _has_rows(
            connection,
            """select from market.event_sides as own
               inner join market.event_sides as other on other.catalogue_event_id = own.catalogue_event_id
               where own.source = 'box_office' and own.external_id = %s
                   and other.source = %s and other.external_id = %s""",
            [str(event_id), source, external_id],
        )
    )


def _has_rows(connection: Connection, query: LiteralString, values: list[Any]) -> bool:
    return connection.execute(query + " limit 1", values).fetchone() is not None


def _seats(sale: FirstHandSale) -> Iterator[Seat]:
    for place in sale.places:
        for number in range(place.seats):
            row, seat = divmod(number, SEATS_IN_A_ROW)
            yield Seat(place.name, str(row + 1), str(seat + 1), place.price)


def _buyers(connection: Connection) -> list[int]:
    """The invented buyers. None of them can log in."""
    emails = [f"buyer{number}@example.com" for number in range(1, BUYERS + 1)]
    connection.execute(
        """insert into box_office.users (email, full_name, password_hash)
           select email, 'Sample Buyer ' || number, '!' from unnest(%s::text[]) with ordinality as made (email, number)
           on conflict (email) do nothing""",
        [emails],
    )
    rows = connection.execute("select id from box_office.users where email = any(%s) order by id", [emails]).fetchall()
    return [int(user) for (user,) in rows]


def _bought_until(connection: Connection, event: SimulatedEvent, buyers: list[int]) -> datetime | None:
    row = connection.execute(
        "select max(confirmed_at) from box_office.bookings where event_id = %s and user_id = any(%s)",
        [event.event_id, buyers],
    ).fetchone()
    return row[0] if row else None


def _date(connection: Connection, bought: list[tuple[int, datetime]]) -> None:
    """Give bookings and their tickets the instants at which they were bought."""
    values = [[booking for booking, _ in bought], [at for _, at in bought]]
    dated = "from unnest(%s::bigint[], %s::timestamptz[]) as dated (booking, at)"
    connection.execute(
        f"update box_office.bookings set created_at = at, confirmed_at = at {dated} where id = booking",  # noqa: S608
        values,
    )
    connection.execute(
        f"update box_office.tickets set created_at = at {dated} where booking_id = booking",  # noqa: S608
        values,
    )
