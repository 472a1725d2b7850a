"""Events of the box office that are long over, with all that their records may hold."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.box_office import BoxOffice
from tickettape.archive.event_archive import EVENT_TABLES, archive_event
from tickettape.archive.event_restore import restore_event
from tickettape.box_office.bookings import cancel, confirm, hold
from tickettape.box_office.payments import refund
from tickettape.database import Connection
from tickettape.file_storage import Storage

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=400)
"""When events that take place in the coming days are long over, and their quarter too."""


def over_event(office: BoxOffice, *, seats: int = 12) -> int:
    """An event with seats, bookings of every kind and a tier. By LATER it is over."""
    event = office.event()
    chosen = office.seats(event, rows=2, in_a_row=seats // 2, section='A "loge", of two\nlines')
    office.do("update stored_seats set dynamic_multiplier = 1.25 where id = %s", chosen[-1])
    office.tier(event, 5)
    bookings = [
        hold(office.connection, office.user(), event, chosen[2 * number : 2 * number + 2]) for number in range(4)
    ]
    for booking in bookings[:3]:
        confirm(office.connection, booking)
    refund(office.connection, booking_id=bookings[1])
    cancel(office.connection, bookings[3])
    office.do("update bookings set payment_id = 'pi_secret' where id = %s", bookings[0])
    settled(office, event)
    return event


def settled(office: BoxOffice, event: int) -> None:
    """As the provider and the pipeline leave it."""
    office.do("update refunds set status = 'succeeded' where status = 'requested'")
    office.do("delete from sales_marks where event_id = %s", event)


def rows_of(office: BoxOffice, event: int) -> dict[str, list[tuple[Any, ...]]]:
    """All columns of the event's seats, bookings and lines."""
    conditions = {"booking_seats": "booking_id in (select id from bookings where event_id = %s)"}
    return {
        name: office.all(f"select * from {table} where {conditions.get(name, 'event_id = %s')} order by id", event)
        for name, (table, _) in EVENT_TABLES.items()
    }


def cold(folder: Path) -> Storage:
    return Storage(str(folder / "cold"))


def archive(office: BoxOffice, folder: Path, event: int, **given: Any) -> dict[str, Any]:
    say = given.pop("say", lambda _: None)
    return archive_event(office.connection, cold(folder), event, now=given.pop("now", LATER), days=30, say=say)


def restore(office: BoxOffice, folder: Path, event: int) -> dict[str, Any]:
    return restore_from(office.connection, folder, event, say=lambda _: None)


def restore_from(connection: Connection, folder: Path, event: int, *, say: Callable[[str], None]) -> dict[str, Any]:
    backups = Storage(str(folder / "backups"))
    return restore_event(connection, cold(folder), backups, event, until=NOW.date(), say=say)
