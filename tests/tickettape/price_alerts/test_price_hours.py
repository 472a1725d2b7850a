"""A rule's own prices by hour."""

from datetime import timedelta

from tests.support.markets import NOON, TEN
from tickettape.price_alerts.price_hours import KEPT_HOURS, PriceHours, hour_of

HOUR = timedelta(hours=1)


def test_the_lowest_price_of_each_hour_is_kept() -> None:
    hours = PriceHours(NOON, [])
    for tick, cents in ((NOON, 90), (NOON + TEN, 80), (NOON + 2 * TEN, 85), (NOON + 2 * HOUR, 70), (NOON - HOUR, 1)):
        hours = hours.with_price(tick, cents)
    assert hours == PriceHours(NOON, [80, None, 70])


def test_an_hour_counts_once_it_is_over() -> None:
    hours = PriceHours(NOON, [80, None, 70])
    assert hours.before(NOON + 2 * HOUR + TEN) == {NOON: 80}
    assert hours.before(NOON + 3 * HOUR) == {NOON: 80, NOON + 2 * HOUR: 70}
    assert hours.before(NOON - HOUR) == {}


def test_what_is_older_than_any_rule_looks_goes() -> None:
    hours = PriceHours(NOON, [1] * KEPT_HOURS).with_price(NOON + KEPT_HOURS * HOUR, 2)
    assert (hours.first, len(hours.lowest_cents), hours.lowest_cents[-1]) == (NOON + HOUR, KEPT_HOURS, 2)
    assert hour_of(NOON + TEN) == NOON
