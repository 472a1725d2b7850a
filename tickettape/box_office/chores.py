"""When the box office has something to do by itself: a pure rule for its reports, and cheap questions for the rest.

Where nothing is sold here, every answer is no, and nothing runs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from tickettape.box_office.notices import MOST_ATTEMPTS
from tickettape.box_office.pricing import reprice
from tickettape.database import Connection

LONGEST_EVENT = timedelta(hours=6)  # of one without an end time
OFTEN, SELDOM = 15, 60  # minutes


@dataclass(frozen=True)
class SellingEvent:
    """What decides how often an event's sales are summed up."""

    status: str
    start_time: datetime
    end_time: datetime | None


def summary_minutes(events: Iterable[SellingEvent], now: datetime) -> int | None:
    """Minutes from one summary to the next: 15 while an event is on sale or on, else 60, or None."""
    found = None
    for event in events:
        found = SELDOM
        is_over = now >= (event.end_time or event.start_time + LONGEST_EVENT)
        takes_place = event.start_time <= now and not is_over and event.status not in ("draft", "cancelled", "ended")
        on_sale = event.status == "on_sale" and now < event.start_time
        if takes_place or on_sale:
            return OFTEN
    return found


def summary_is_due(connection: Connection, at: datetime) -> bool:
    """Whether sales are summed up at this quarter of an hour."""
    with connection.cursor(row_factory=class_row(SellingEvent)) as cursor:
        events = cursor.execute(
            "select status, start_time, end_time from box_office.stored_events where archived_at is null"
        ).fetchall()
    minutes = summary_minutes(events, at)
    return minutes is not None and at.minute % minutes == 0


def upkeep_is_due(connection: Connection, *, mails: bool) -> bool:
    """Whether something has expired, waits for its payment, or could be offered or, with `mails`, said."""
    row = connection.execute(
        """select exists (select from box_office.orders where status = 'pending' and expires_at <= now())
            or exists (select from box_office.bookings where status = 'HOLD' and hold_expires_at <= now())
            or exists (select from box_office.payments where status in ('created', 'open'))
            or exists (select from box_office.refunds where status = 'requested')
            or (%s and exists (select from box_office.notifications where sent_at is null and attempts < %s))
            or exists (
                select from (select distinct event_id from box_office.waitlist where not notified) as waited_for
                inner join box_office.stored_events as events on events.id = waited_for.event_id
                where events.status = 'on_sale' and events.start_time > now()
                    and box_office.lowest_price_of(events.id) is not null)""",
        [mails, MOST_ATTEMPTS],
    ).fetchone()
    return bool(row and row[0])


def is_in_use(connection: Connection) -> bool:
    """Whether an event was ever sold here."""
    row = connection.execute("select exists (select from box_office.stored_events)").fetchone()
    return bool(row and row[0])


def reprice_events(connection: Connection) -> dict[int, int]:
    """Apply the rule of dynamic pricing to the events that ask for it; how many seats changed, by event."""
    events = connection.execute(
        """select id from box_office.stored_events
           where dynamic_pricing and status = 'on_sale' and start_time > now() order by id"""
    ).fetchall()
    return {event: reprice(connection, event) for (event,) in events}
