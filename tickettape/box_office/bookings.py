"""Sell seats: bookings that hold seats for a few minutes, and then are confirmed, cancelled or expired."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import cast

from tickettape.box_office.refusals import call
from tickettape.database import Connection


def hold(connection: Connection, user_id: int, event_id: int, seats: Iterable[int], *, key: str | None = None) -> int:
    """Hold these seats. Returns the booking. Refused as `taken` if somebody else has or is taking one of them."""
    query = "select box_office.hold(%s, %s, %s::bigint[], %s)"
    return int(call(connection, query, user_id, event_id, list(seats), key))


def hold_best_available(
    connection: Connection,
    user_id: int,
    event_id: int,
    how_many: int,
    *,
    key: str | None = None,
    section: str | None = None,
    most_price: Decimal | None = None,
) -> int:
    """Hold the best free seats: together in a row first, then nearest to each other. Returns the booking."""
    query = "select box_office.hold_best_available(%s, %s, %s::integer, %s, %s, %s)"
    return int(call(connection, query, user_id, event_id, how_many, key, section, most_price))


def extend(connection: Connection, booking_id: int) -> datetime:
    """Hold for longer, once. Returns until when."""
    return cast(datetime, call(connection, "select box_office.extend(%s)", booking_id))


def confirm(connection: Connection, booking_id: int) -> None:
    """Sell what is held, for money taken at the counter. Refused as `expired` if it is held no more."""
    call(connection, "select box_office.confirm(%s)", booking_id)


def cancel(connection: Connection, booking_id: int) -> bool:
    """Free the seats. Returns whether the booking held any still."""
    return bool(call(connection, "select box_office.cancel(%s)", booking_id))
