"""Sell by quantity: orders of tickets of tiers. Each call is one statement; the rules are in the database.

`lines` maps a tier to a quantity. Called outside a transaction, each function commits by itself.
"""

from collections.abc import Mapping

from tickettape.box_office.refusals import call
from tickettape.database import Connection

Lines = Mapping[int, int]


def reserve(connection: Connection, user_id: int, event_id: int, lines: Lines, *, key: str | None = None) -> int:
    """Hold tickets until they are paid, or the order expires. Returns the order. The same key does it once."""
    query = "select box_office.reserve(%s, %s, %s::bigint[], %s::integer[], %s)"
    return int(call(connection, query, user_id, event_id, list(lines), list(lines.values()), key))


def purchase(connection: Connection, user_id: int, event_id: int, lines: Lines, *, key: str | None = None) -> int:
    """Sell at once, for money taken at the counter. Returns the order."""
    query = "select box_office.purchase(%s, %s, %s::bigint[], %s::integer[], %s)"
    return int(call(connection, query, user_id, event_id, list(lines), list(lines.values()), key))


def cancel_order(connection: Connection, order_id: int) -> bool:
    """Free what the order reserves. Returns whether it reserved anything still."""
    return bool(call(connection, "select box_office.cancel_order(%s)", order_id))


def change_capacity(connection: Connection, tier_id: int, quantity: int) -> None:
    """Set how many tickets a tier has: no fewer than are sold or reserved."""
    call(connection, "select box_office.change_capacity(%s, %s)", tier_id, quantity)
