"""When a gate opens and closes, by hand and by chance."""

from datetime import date, timedelta

import numpy as np
import pytest

from tickettape.forecasts.gates import FEWEST_WEEKS, Judgement, Week, is_open, judge, passed

MONDAY = date(2026, 3, 2)
WEEK = timedelta(days=7)


def weeks(*ratios: float) -> list[Week]:
    return [Week(ratio * 10, 10) for ratio in ratios]


def drawn(mean: float, count: int, seed: int) -> list[Week]:
    draw = np.random.default_rng(seed)
    return [Week(float(naive * ratio), float(naive))
            for naive, ratio in zip(draw.gamma(4, 3, count), draw.normal(mean, 0.05, count), strict=True)]  # fmt: skip


def test_l_is_the_ratio_of_all_errors_and_the_recent_one_that_of_four_weeks() -> None:
    found = judge(weeks(1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5))
    assert (found.error_ratio, found.recent_error_ratio) == (0.75, 0.5)
    assert judge([Week(1, 2), Week(3, 2)]).error_ratio == 1.0  # of sums, not the mean of ratios
    assert judge([]) == Judgement(None, None)


def test_the_bound_lies_above_l_and_falls_with_more_weeks() -> None:
    few, many = judge(drawn(0.9, 10, 3)), judge(drawn(0.9, 26, 3))
    assert few.upper_bound is not None
    assert many.upper_bound is not None
    assert 0.88 < many.upper_bound < few.upper_bound < 1
    assert many.chance < 0.0025  # enough for Holm's first step of twenty


def test_too_few_weeks_and_a_table_that_says_the_last_price_say_nothing() -> None:
    assert judge(weeks(*[0.5] * (FEWEST_WEEKS - 1))).chance == 1.0
    same = judge(weeks(*[1.0] * 20))
    assert (same.error_ratio, same.upper_bound, same.chance) == (1.0, 1.0, 1.0)


def test_the_bound_of_95_percent_fails_in_about_5_percent_of_markets_without_skill() -> None:
    false = sum(judge(drawn(1.0, 12, seed), seed=seed).chance <= 0.05 for seed in range(300))
    assert 3 <= false <= 27  # 15 expected; a percentile bound of 12 weeks gives about 27 and more


@pytest.mark.parametrize(
    ("chances", "expected"),
    [
        ([0.001, 0.02, 0.03], {0, 1, 2}),
        ([0.001, 0.03, 0.2], {0}),  # 0.03 is above 0.05 / 2
        ([0.02, 0.02, 0.02], set()),  # each is above 0.05 / 3
    ],
)
def test_holm_looks_at_all_gates_together(chances: list[float], expected: set[int]) -> None:
    judged = {(number, "0-3"): Judgement(0.9, 0.9, 0.95, chance) for number, chance in enumerate(chances)}
    assert {number for number, _ in passed(judged)} == expected


def test_a_gate_whose_last_month_was_worse_than_the_last_price_does_not_pass() -> None:
    judged = {(1, "0-3"): Judgement(0.9, 1.01, 0.95, 0.0001), (3, "0-3"): Judgement(0.9, 0.99, 0.95, 0.0001)}
    assert passed(judged) == {(3, "0-3")}


def test_a_gate_opens_at_the_second_weekly_look_in_a_row_and_closes_at_once() -> None:
    assert not is_open(MONDAY, True, None)
    assert not is_open(MONDAY, True, (MONDAY - WEEK, False))
    assert is_open(MONDAY, True, (MONDAY - WEEK, True))
    assert not is_open(MONDAY, True, (MONDAY - 2 * WEEK, True))  # the look between was never made
    assert not is_open(MONDAY, False, (MONDAY - WEEK, True))
