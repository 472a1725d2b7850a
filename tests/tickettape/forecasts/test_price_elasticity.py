"""The odds of a sale against the price: what is found, and what is not shown."""

from collections.abc import Sequence
from datetime import timedelta
from math import exp, log
from typing import Any

import numpy as np
import pytest

from tests.support.dbt_runs import run_dbt
from tests.support.forecast_history import DAY, FIRST, add_events, observe_days
from tests.support.markets import TEN
from tests.support.packed_history import chain_tiers, packed
from tests.support.priced_listings import Show
from tickettape.database import Connection
from tickettape.forecasts import refit
from tickettape.forecasts.price_elasticity import Elasticity, conditional_odds, verdict_on
from tickettape.rollups import ROLLUPS_ALONE

MIDNIGHT = FIRST + 12 * DAY
PRICES = range(100, 420, 10)  # of the listings of one zone; each is of two tickets
LEFT = [{150, 220, 300, 350, 390, 410}, {120, 190, 240, 320, 370, 400}]  # by event: what nobody bought
UPPER = (80, 90)  # of another zone, where nothing is sold


def market(slope: float, *, groups: int = 1200, seed: int = 1) -> Elasticity | None:
    """Twenty listings a group; a group's price level and its odds of a sale are its own, and go together."""
    draw = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), 20)
    level = draw.normal(0, 1, groups)[group]
    price = level + draw.normal(0, 0.3, len(group))
    odds = np.exp(-4 + level + slope * (price - level))  # dear zones sell more: what a comparison of all would find
    return conditional_odds(group, group // 8, price, draw.random(len(group)) < odds / (1 + odds))


def test_listings_are_compared_within_their_zone_and_capture_only() -> None:
    found = market(-2.0)
    assert found
    assert found.low < exp(-2 * log(1.1)) < found.high
    assert found.odds_ratio == pytest.approx(exp(-2 * log(1.1)), abs=0.03)
    assert verdict_on(500, found) == "shown"


def test_no_association_is_not_told_apart_from_none() -> None:
    found = market(0.0, seed=2)
    assert verdict_on(500, found) == "not told apart from none"


def test_fewer_than_50_sales_are_hidden() -> None:
    assert verdict_on(49, market(-2.0)) == "too few sales"
    assert verdict_on(50, market(-2.0)) == "shown"


def test_groups_that_sold_all_or_nothing_say_nothing() -> None:
    group = np.array([1, 1, 2, 2])
    assert conditional_odds(group, group, np.array([1.0, 2, 1, 2]), np.array([True, True, False, False])) is None


def sell(connection: Connection, external_id: str, left: set[int]) -> int:
    """An event at midnight, and how all but what is left of its lower zone is sold after it; its key."""
    show = Show(connection, external_id, date=MIDNIGHT + 20 * DAY, category="Concerts")

    def line(prices: Sequence[int]) -> str:
        return " ".join([*(f"L{one}:{one}" for one in prices), *(f"U{one}@301:{one}" for one in UPPER)])

    show.shows(MIDNIGHT - TEN, line(PRICES))
    gone = [price for price in PRICES if price not in left]
    first = [price for price in PRICES if price not in gone[:19]]  # of 20 that go together, the seller took them away
    for number, prices in enumerate([first, *[sorted(left)] * 3], 1):
        show.shows(MIDNIGHT + number * TEN, line(prices))
    return show.event_key


def elasticities(connection: Connection) -> list[tuple[Any, ...]]:
    refit(connection, MIDNIGHT + DAY + timedelta(hours=4))
    return connection.execute(
        """select scope, odds_ratio, low, high, verdict, sales, listings, events from market.price_elasticities
           order by scope"""
    ).fetchall()


def test_sales_are_found_among_the_listings_of_midnight_also_of_packed_days(connection: Connection) -> None:
    keys = [sell(connection, str(number), left) for number, left in enumerate(LEFT)]
    run_dbt(*ROLLUPS_ALONE)
    others = add_events(connection, [MIDNIGHT + 20 * DAY] * 20)  # for a trend, with no listings that are known
    observe_days(connection, [(key, FIRST + day * DAY, 50.0, 9) for key in others for day in range(14)])
    found = elasticities(connection)
    prices = np.log([*PRICES, *UPPER] * 2)
    sold = np.array([price in PRICES and price not in left for left in LEFT for price in (*PRICES, *UPPER)])
    event, zone = np.repeat([0, 1], len(prices) // 2), np.array([0] * len(PRICES) + [1] * len(UPPER))
    odds = conditional_odds(event * 2 + np.tile(zone, 2), event, prices, sold)
    assert odds
    assert odds.odds_ratio < 1
    figures = [pytest.approx(value) for value in (odds.odds_ratio, odds.low, odds.high)]
    assert found == [(scope, *figures, verdict_on(52, odds), 52, 68, 2) for scope in ("all", "category: Concerts")]
    (share,) = connection.execute(
        "select sell_through from market.market_trends where scope = 'all' and days = 7"
    ).fetchone() or (None,)
    assert share == pytest.approx(2 * 52 / (2 * 52 + 2 * 16))
    for days in (-1, 0):
        packed(connection, keys, (MIDNIGHT + days * DAY).date())
    assert chain_tiers(connection)[0] == 0
    assert elasticities(connection) == found
