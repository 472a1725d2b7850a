"""The odds of a sale against the price: what is found, and what is not shown."""

from math import exp, log

import numpy as np
import pytest

from tickettape.forecasts.price_elasticity import Elasticity, conditional_odds, verdict_on


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
