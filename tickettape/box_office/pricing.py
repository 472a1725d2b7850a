"""Dynamic pricing of seats: a pure rule, and what applies it to the seats that are free."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from tickettape.box_office.refusals import call
from tickettape.database import Connection

LONG_BEFORE = timedelta(days=60)  # nothing is expected to be sold earlier


@dataclass(frozen=True)
class Bounds:
    """The lowest and the highest multiplier."""

    least: Decimal = Decimal("0.80")
    most: Decimal = Decimal("1.50")


def multiplier(sell_through: float, until_event: timedelta, bounds: Bounds = Bounds()) -> Decimal:
    """What to multiply base prices by: 1 while as much is sold as the time that has passed lets expect.

    `sell_through` is the share that is sold, 0 to 1. Ahead of a straight line from LONG_BEFORE to the event the price
    rises towards the upper bound, behind it falls towards the lower one.
    """
    passed = 1 - max(0.0, min(1.0, until_event / LONG_BEFORE))
    ahead = max(0.0, min(1.0, sell_through)) - passed
    reach = bounds.most - 1 if ahead > 0 else 1 - bounds.least
    return (1 + Decimal(ahead) * reach).quantize(Decimal("0.01"))


def change_prices(
    connection: Connection, event_id: int, new_multiplier: Decimal, *, reason: str, section: str | None = None
) -> int:
    """Multiply the base price of seats that are free. Returns how many changed; what is held keeps its price."""
    query = "select box_office.change_prices(%s, %s, %s, %s)"
    return int(call(connection, query, event_id, new_multiplier, reason, section))


def change_tier_price(connection: Connection, tier_id: int, price: Decimal, *, reason: str) -> None:
    """Set a tier's price. Orders that exist keep theirs."""
    call(connection, "select box_office.change_tier_price(%s, %s, %s)", tier_id, price, reason)


def reprice(connection: Connection, event_id: int, bounds: Bounds = Bounds()) -> int:
    """Apply the rule to an event as it stands. Returns how many seats changed."""
    row = connection.execute(
        """select coalesce(sell_through, 0)::float, start_time - clock_timestamp()
           from box_office.event_sales_summary where event_id = %s""",
        [event_id],
    ).fetchone()
    if row is None:
        return 0
    sold, until_event = row
    reason = f"{sold:.0%} sold, {until_event.days} days before the event"
    return change_prices(connection, event_id, multiplier(sold, until_event, bounds), reason=reason)
