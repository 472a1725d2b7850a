from datetime import timedelta
from decimal import Decimal

import pytest

from tests.support.box_office import BoxOffice
from tickettape.box_office.orders import reserve
from tickettape.box_office.pricing import Bounds, change_tier_price, multiplier, reprice

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("sell_through", "until_event", "expected"),
    [
        (0.0, 90 * DAY, "1.00"),  # nothing is expected yet
        (0.5, 30 * DAY, "1.00"),  # as expected
        (1.0, 60 * DAY, "1.50"),  # far ahead: the upper bound
        (0.75, 30 * DAY, "1.12"),
        (0.0, 0 * DAY, "0.80"),  # far behind: the lower bound
        (0.25, 30 * DAY, "0.95"),
        (7.0, -5 * DAY, "1.00"),  # shares and times out of range count as their ends
    ],
)
def test_a_price_follows_what_is_sold_and_the_time_that_is_left(
    sell_through: float, until_event: timedelta, expected: str
) -> None:
    assert multiplier(sell_through, until_event) == Decimal(expected)


def test_the_multiplier_stays_within_its_bounds() -> None:
    bounds = Bounds(Decimal("0.95"), Decimal("1.10"))
    found = {multiplier(sold / 20, day * DAY, bounds) for sold in range(21) for day in range(-1, 70)}
    assert (min(found), max(found)) == (bounds.least, bounds.most)


def test_an_event_is_repriced_as_it_stands(office: BoxOffice) -> None:
    event = office.event()
    office.seats(event, price=100)  # nothing sold 30 days before, where half is expected
    assert reprice(office.connection, event) == 10
    assert office.all("select distinct price from event_seats where event_id = %s", event) == [(Decimal("90.00"),)]
    assert reprice(office.connection, event) == 0
    assert office.one("select reason from price_changes where event_id = %s", event).startswith("0% sold, 29 days")


def test_a_tiers_new_price_leaves_orders_as_they_are(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 10)
    order = reserve(office.connection, office.user(), event, {tier: 2})
    change_tier_price(office.connection, tier, Decimal("12.50"), reason="second wave")
    assert office.one("select total_amount from orders where id = %s", order) == 20
    assert office.one("select price from ticket_tiers where id = %s", tier) == Decimal("12.50")
