"""One round of the worker: end what has expired, finish payments, return money, serve the waitlist, tidy counters.

Nobody who buys waits for it: what has expired is free for them already.
"""

import logging
from dataclasses import dataclass

from tickettape.box_office.payments import UNSETTLED_AFTER_SECONDS, Providers, settle
from tickettape.box_office.refusals import RefusedError
from tickettape.box_office.waitlist import offer_what_is_free
from tickettape.database import Connection

BATCH = 500  # orders or bookings that end in one transaction: some 0.2 s

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Upkeep:
    """What a round did."""

    orders: int
    bookings: int
    payments: dict[str, int]
    offers: int


def tidy(
    connection: Connection, providers: Providers, *, settle_after_seconds: float = UNSETTLED_AFTER_SECONDS
) -> Upkeep:
    """Do one round. Several may run at once, and one may be killed at any point."""
    orders = _until_none_is_left(connection, "select box_office.expire_orders(%s)")
    bookings = _until_none_is_left(connection, "select box_office.expire_bookings(%s)")
    payments = settle(connection, providers, older_than_seconds=settle_after_seconds)
    offers = sum(_offer(connection, event_id) for event_id in _waited_for(connection))
    connection.execute("select box_office.fold()")
    return Upkeep(orders, bookings, payments, offers)


def _waited_for(connection: Connection) -> list[int]:
    """The events on sale for which somebody waits who has been offered nothing."""
    rows = connection.execute(
        """select distinct event_id from box_office.waitlist
           inner join box_office.stored_events as events on events.id = event_id
           where not notified and events.status = 'on_sale' order by event_id"""
    ).fetchall()
    return [event_id for (event_id,) in rows]


def _offer(connection: Connection, event_id: int) -> int:
    """Offer what came free of an event. If that is refused, the other events do not wait for it."""
    try:
        return offer_what_is_free(connection, event_id)
    except RefusedError as error:
        log.warning("The waitlist of event %s could not be served: %s The next round tries again.", event_id, error)
        return 0


def _until_none_is_left(connection: Connection, query: str) -> int:
    ended = 0
    while True:
        row = connection.execute(query.encode(), [BATCH]).fetchone()
        if not row or not row[0]:
            return ended
        ended += row[0]
