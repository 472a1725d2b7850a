"""The waitlist: people who would buy if something came free, and the offers that hold it for them."""

from decimal import Decimal

from tickettape.box_office.refusals import call
from tickettape.database import Connection


def join_waitlist(
    connection: Connection,
    user_id: int,
    event_id: int,
    *,
    tier_id: int | None = None,
    how_many: int = 1,
    section: str | None = None,
    most_price: Decimal | None = None,
) -> int:
    """Wait for an event, or one of its tiers. Returns the entry; who waits already keeps their place."""
    query = "select box_office.join_waitlist(%s, %s, %s, %s::integer, %s, %s)"
    return int(call(connection, query, user_id, event_id, tier_id, how_many, section, most_price))


def offer(connection: Connection, entry_id: int) -> int:
    """Offer to one person, chosen by hand. Returns the offer."""
    return int(call(connection, "select box_office.offer(%s)", entry_id))


def offer_what_is_free(connection: Connection, event_id: int) -> int:
    """Offer in the order of the queue, until nothing is left or nobody waits. Returns how many offers were made."""
    made = 0
    while call(connection, "select box_office.offer_next(%s)", event_id) is not None:
        made += 1
    return made
