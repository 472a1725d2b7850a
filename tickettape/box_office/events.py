"""What is for sale: events, tiers, seats from a CSV file, on and off sale."""

import csv
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

from tickettape.box_office.refusals import RefusedError, refusals
from tickettape.database import Connection

EventStatus = Literal["draft", "on_sale", "off_sale", "cancelled", "ended"]
SEAT_COLUMNS = ("section", "row_number", "seat_number", "price")
MOST_WRONG_LINES = 100  # that are told at once


@dataclass(frozen=True)
class Seat:
    """One seat of a plan."""

    section: str
    row_number: str
    seat_number: str
    price: Decimal

    @property
    def place(self) -> tuple[str, str, str]:
        """What is one seat's alone."""
        return self.section, self.row_number, self.seat_number


def create_event(
    connection: Connection,
    title: str,
    venue: str,
    start_time: datetime,
    *,
    city: str = "",
    country: str = "",
    capacity: int | None = None,
    venue_time_zone: str | None = None,
    currency: str = "USD",
    promoter_id: int | None = None,
    status: EventStatus = "draft",
) -> int:
    """Create an event. It sells nothing until it is on sale. Returns its id."""
    with connection.transaction(), refusals():
        row = connection.execute(
            """insert into box_office.events
                   (title, venue, start_time, city, country, capacity, currency, promoter_id, status)
               values (%s, %s, %s, %s, %s, %s, %s, %s, %s) returning id""",
            [title, venue, start_time, city, country, capacity, currency, promoter_id, status],
        ).fetchone()
        assert row is not None  # noqa: S101  an insert returns its row
        if venue_time_zone is not None:  # the view has the documents' columns alone
            connection.execute(
                "update box_office.stored_events set venue_time_zone = %s where id = %s", [venue_time_zone, row[0]]
            )
    return int(row[0])


def set_status(connection: Connection, event_id: int, status: EventStatus) -> None:
    """Put an event on sale or off, or end or cancel it."""
    changed = connection.execute(
        "update box_office.stored_events set status = %s where id = %s", [status, event_id]
    ).rowcount
    if not changed:
        raise RefusedError("unknown", f"There is no event {event_id}.")


def add_tier(
    connection: Connection,
    event_id: int,
    name: str,
    price: Decimal,
    quantity: int,
    *,
    min_purchase: int = 1,
    max_purchase: int = 10,
    sale_end_time: datetime | None = None,
) -> int:
    """Add tickets that are sold by quantity. Returns the tier."""
    with refusals():
        row = connection.execute(
            """insert into box_office.ticket_tiers
                   (event_id, name, price, quantity, min_purchase, max_purchase, sale_end_time)
               values (%s, %s, %s, %s, %s, %s, %s) returning id""",
            [event_id, name, price, quantity, min_purchase, max_purchase, sale_end_time],
        ).fetchone()
    assert row is not None  # noqa: S101
    return int(row[0])


def add_seats(connection: Connection, event_id: int, seats: Iterable[Seat]) -> int:
    """Add seats, all of them or none. Returns how many. Ends with fresh statistics, without which holds are slow."""
    with connection.transaction(), refusals():
        connection.execute(
            """create temporary table new_seats (
                   section text, row_number text, seat_number text, price numeric) on commit drop"""
        )
        with connection.cursor().copy("copy new_seats (section, row_number, seat_number, price) from stdin") as copy:
            for seat in seats:
                copy.write_row((seat.section, seat.row_number, seat.seat_number, seat.price))
        added = connection.execute(
            """insert into box_office.stored_seats (event_id, section, row_number, seat_number, base_price)
               select %s, section, row_number, seat_number, price from new_seats
               order by section, box_office.rank_of(row_number), box_office.rank_of(seat_number)""",
            [event_id],
        ).rowcount
    connection.execute("analyze box_office.stored_seats")
    return added


class WrongLinesError(RefusedError):
    """A file of seats is wrong. `lines` has each wrong line's number and why, the first MOST_WRONG_LINES of them."""

    def __init__(self, name: str, lines: list[tuple[int, str]]) -> None:
        first, why = lines[0]
        count = f"{len(lines)} lines or more" if len(lines) == MOST_WRONG_LINES else f"{len(lines)} lines"
        super().__init__("limit", f"{name}, line {first}: {why}{f' {count} are wrong.' if len(lines) > 1 else ''}")
        self.lines = lines


def read_seats(path: Path) -> list[Seat]:
    """The seats of a CSV file with the columns of SEAT_COLUMNS. Raises RefusedError, which names the line."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return parse_seats(file, str(path))


def parse_seats(lines: Iterable[str], name: str) -> list[Seat]:
    """As read_seats, of lines of a file called `name`."""
    rows = csv.DictReader(lines)
    seats: dict[tuple[str, str, str], tuple[int, Seat]] = {}
    wrong: list[tuple[int, str]] = []
    try:
        if missing := set(SEAT_COLUMNS) - set(rows.fieldnames or ()):
            raise RefusedError("limit", f"{name} has no column {', '.join(sorted(missing))}.")
        for row in rows:
            try:
                seat = _read_seat(row)
                earlier, _ = seats.setdefault(seat.place, (rows.line_num, seat))
                if earlier != rows.line_num:
                    raise RefusedError("limit", f"the seat of line {earlier} again.")
            except RefusedError as error:
                wrong.append((rows.line_num, str(error)))
                if len(wrong) == MOST_WRONG_LINES:
                    break
    except csv.Error as error:
        wrong.append((rows.line_num, f"{error}."))
    if wrong:
        raise WrongLinesError(name, wrong)
    return [seat for _, seat in seats.values()]


def parse_price(text: str) -> Decimal:
    """A price as somebody wrote it. Raises RefusedError if it is not one."""
    with suppress(InvalidOperation):  # which comparing NaN raises, too
        if 0 <= (price := Decimal(text.strip())) < 10**10:
            return price
    raise RefusedError("limit", f"{text!r} is not a price. Write it as 49.50.")


def _read_seat(row: dict[str, str | None]) -> Seat:
    section, row_number, seat_number = ((row[column] or "").strip() for column in SEAT_COLUMNS[:3])
    if not (section and row_number and seat_number):
        raise RefusedError("limit", "a seat needs a section, a row, a number and a price.")
    for what, text, most in (("section", section, 50), ("row", row_number, 10), ("seat", seat_number, 10)):
        if len(text) > most:
            raise RefusedError("limit", f"the name of a {what} has at most {most} characters, and {text!r} has more.")
    return Seat(section, row_number, seat_number, parse_price(row["price"] or ""))
