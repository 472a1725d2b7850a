"""The primary market of invented events: what it sells, and that what is resold was bought there first."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from tickettape.marketplaces.simulator.catalogue import ON_SALE_DAYS
from tickettape.marketplaces.simulator.first_hand import (
    LEAST_DAYS,
    SERIES,
    FedMarket,
    FirstHandSale,
    FirstHandSales,
    purchases,
    resales,
)
from tickettape.marketplaces.simulator.market import DAY_SECONDS, Market, Outcome

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)
SEEDS = range(1, 6)


@pytest.fixture(params=SEEDS)
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def sale(seed: int) -> FirstHandSale:
    return FirstHandSales(seed, 24).following(AT)


def test_no_place_sells_more_than_it_has_and_some_is_left_to_buy(sale: FirstHandSale) -> None:
    everything = sale.bought(None, sale.production.date)
    seats = {place.name: place.seats for place in sale.places}
    for name, house in seats.items():
        assert 0 < sum(one.quantity for one in everything if one.place == name) <= house
    assert sum(seats.values()) == pytest.approx(sale.production.venue.capacity, abs=len(seats))
    assert 0.5 < sum(one.quantity for one in everything) / sum(seats.values()) < 1


def test_what_was_bought_in_two_parts_is_what_was_bought_in_one(sale: FirstHandSale) -> None:
    start, between = sale.production.on_sale_at, AT - timedelta(days=9, minutes=7)
    assert sale.bought(None, between) + sale.bought(between, AT) == sale.bought(None, AT)
    assert sale.bought(None, start - timedelta(seconds=1)) == []
    found = sale.bought(None, AT)
    assert all(before.at <= after.at for before, after in pairwise(found))
    # from the last one on, nothing comes twice: the instant that is stored is enough to continue
    assert sale.bought(found[-1].at, AT) == []


def test_the_next_event_that_is_not_too_close_is_put_on_sale_and_is_found_again(seed: int) -> None:
    sales = FirstHandSales(seed, 24)
    for day in range(0, 120, 7):
        at = AT + timedelta(days=day)
        sale = sales.following(at)
        assert sale.production.date >= at + timedelta(days=LEAST_DAYS)
        assert sale.production in Market(seed, 24).productions(at)
        again = sales.of(sale.external_id)
        assert again is not None
        assert again.production == sale.production
    assert FirstHandSales(seed, 1).following(AT).production.series == SERIES[0]
    other = next(one for one in Market(seed, 24).productions(AT) if one.series not in SERIES)
    assert [sales.of(one) for one in (str(other.production_id), "7", "none")] == [None, None, None]


def test_what_is_resold_was_bought_first_and_each_purchase_is_listed_once(sale: FirstHandSale, seed: int) -> None:
    bought = purchases(seed, sale.production)
    lives, source = resales(seed, sale.production)
    assert len(set(source.tolist())) == len(source) > 50
    assert (lives.born > bought.at[source]).all()
    assert (lives.quantity == bought.quantity[source]).all()
    assert (lives.ends[lives.occupied] < ON_SALE_DAYS * DAY_SECONDS).all()
    assert set(np.unique(lives.outcome)) == {Outcome.SOLD, Outcome.WITHDRAWN}
    assert (lives.partial_sold.sum(axis=1) < lives.quantity).all()
    assert len(set(zip(lives.slot.tolist(), lives.cycle.tolist(), strict=True))) == len(source)


def test_the_marketplace_lists_what_buyers_resell_and_no_more_than_was_bought(sale: FirstHandSale, seed: int) -> None:
    market, production = FedMarket(seed, 24), sale.production
    stage = market.stage(production)
    for days in (100, 17, 9, 2):
        at = production.date - timedelta(days=days)
        shelf = market.shelf(production, at)
        assert len(set(shelf.listing_number.tolist())) == len(shelf.slot) > 5
        bought = sale.bought(None, at)
        for zone in np.unique(shelf.zone).tolist():
            name = stage.zone_names[zone]
            listed = int(shelf.quantity[shelf.zone == zone].sum())
            assert listed < sum(one.quantity for one in bought if one.place == name)
    assert len(market.shelf(production, production.date - timedelta(minutes=1)).slot) == 0


def test_in_the_last_month_many_tickets_are_resold_and_others_taken_down(sale: FirstHandSale, seed: int) -> None:
    lives, _ = resales(seed, sale.production)
    ended = (lives.ends > (ON_SALE_DAYS - 30) * DAY_SECONDS) & lives.occupied
    assert lives.quantity[ended & (lives.outcome == Outcome.SOLD)].sum() > 40
    assert lives.quantity[ended & (lives.outcome == Outcome.WITHDRAWN)].sum() > 40


def test_events_of_other_series_are_as_in_the_market_that_nobody_feeds(seed: int) -> None:
    fed, plain = FedMarket(seed, 6), Market(seed, 6)
    for production in plain.productions(AT):
        same = np.array_equal(fed.shelf(production, AT).listing_number, plain.shelf(production, AT).listing_number)
        assert same == (production.series not in SERIES)
