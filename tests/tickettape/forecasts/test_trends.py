"""Trends of same-event changes, and where there is none to tell."""

from datetime import timedelta

import numpy as np
import pytest

from tests.support.forecast_history import DAY, FIRST, add_events, observe_days
from tickettape.database import Connection
from tickettape.forecasts import refit
from tickettape.forecasts.trends import FEWEST_EVENTS, chained


def moves(events: int, days: int, mean: float, seed: int = 1) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).normal(mean, 0.05, (events, days))


def test_a_trend_is_the_chain_of_the_days_medians() -> None:
    daily = np.tile(np.array([0.01, -0.02, 0.03]), (30, 1))
    daily[:14] = np.nan  # these were not observed
    found = chained(daily[10:])
    assert found is None  # 16 events are too few
    daily[:9] = [0.5, 0.5, 0.5]  # outliers do not move a median
    found = chained(daily)
    assert found
    assert found.change == pytest.approx(0.02)
    assert found.events == 25


def test_where_the_band_holds_0_there_is_no_trend() -> None:
    falling, flat = chained(moves(80, 7, -0.03)), chained(moves(80, 7, 0.0, seed=4))
    assert falling
    assert flat
    assert (falling.word, flat.word) == ("down", "no trend")
    assert falling.low < falling.change < falling.high < 0


def test_too_few_events_or_a_day_without_any_is_no_chain() -> None:
    assert chained(moves(FEWEST_EVENTS - 1, 7, -0.03)) is None
    gap = moves(FEWEST_EVENTS, 7, -0.03)
    assert chained(gap)
    gap[:, 3] = np.nan
    assert chained(gap) is None


def test_dearer_events_that_come_on_sale_are_no_trend(connection: Connection) -> None:
    # 30 events fall by 2 % a day; in the last days 30 dear ones are listed, and the median price doubles
    today = FIRST + 20 * DAY
    old = add_events(connection, [today + 40 * DAY] * 30, source="old")
    dear = sorted(set(add_events(connection, [today + 40 * DAY] * 30, source="dear")) - set(old))
    rows = [(key, FIRST + day * DAY, 50 * 0.98**day, 40) for key in old for day in range(21)]
    rows += [(key, FIRST + day * DAY, 500 * 0.98**day, 40) for key in dear for day in range(17, 21)]
    observe_days(connection, rows)
    refit(connection, today + timedelta(hours=4))
    found = connection.execute(
        "select scope, days, change, trend, events, sell_through from market.market_trends order by scope, days"
    ).fetchall()
    assert found == [
        (scope, 7, pytest.approx(0.98**7 - 1, rel=0.01), "down", 60, None) for scope in ("all", "category: Concerts")
    ]
