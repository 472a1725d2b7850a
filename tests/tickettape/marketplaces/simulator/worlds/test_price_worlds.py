"""Each world of prices does what it is named for, the others do not, and the truth is not in what is observed."""

from dataclasses import fields
from functools import cache
from time import perf_counter

import numpy as np
import pytest

from tickettape.marketplaces.simulator.draws import Floats
from tickettape.marketplaces.simulator.worlds import PriceSeries, PriceTruth, World, draw_prices
from tickettape.marketplaces.simulator.worlds.price_worlds import FIRST_DAY, LEAST_CENTS
from tickettape.marketplaces.simulator.worlds.ranges import OWN_RANGES, PHASES, PRICE_RANGES

SEEDS = range(20)


@cache
def world(name: World, seed: int) -> tuple[PriceSeries, PriceTruth]:
    return draw_prices(name, seed)


def log_moves(series: PriceSeries) -> Floats:
    """[event, day]: the log move into each day but the first; NaN where one of the two was not observed."""
    return np.diff(np.log(series.price_cents), axis=1)


def last_move(series: PriceSeries, days: int) -> Floats:
    """By event: the log move of the last days."""
    return np.log(series.price_cents[:, -1] / series.price_cents[:, -1 - days])


def reversal(series: PriceSeries) -> float:
    """How a price's distance from its own mean of seven days goes with the move that follows."""
    prices = np.log(series.price_cents)
    windows = np.lib.stride_tricks.sliding_window_view(prices, 7, axis=1)[:, :-1]
    distance, following = prices[:, 6:-1] - windows.mean(axis=2), np.diff(prices, axis=1)[:, 6:]
    known = ~np.isnan(distance) & ~np.isnan(following)
    return float(np.corrcoef(distance[known], following[known])[0, 1])


def drift(moves: Floats) -> float:
    """The mean of events' sums over its standard error: how far from no drift it is."""
    sums = np.nansum(moves, axis=1)
    return float(sums.mean() / (sums.std() / np.sqrt(len(sums))))


@pytest.mark.parametrize("name", World)
def test_the_same_seed_is_the_same_world_and_another_is_another(name: World) -> None:
    (series, truth), (again, same) = world(name, 1), draw_prices(name, 1)
    for one in fields(PriceSeries):
        np.testing.assert_array_equal(getattr(series, one.name), getattr(again, one.name))
    assert truth.parameters == same.parameters
    assert not np.array_equal(series.price_cents, world(name, 2)[0].price_cents, equal_nan=True)
    for parameter, value in truth.parameters.items():
        one_range = (PRICE_RANGES | OWN_RANGES[name])[parameter]
        assert one_range.least <= value <= one_range.most


@pytest.mark.parametrize("name", World)
def test_a_world_is_well_formed(name: World) -> None:
    series, truth = world(name, 3)
    assert series.price_cents.shape == series.listings.shape == truth.fair_cents.shape == (300, 90)
    assert series.days_to_event.tolist() == list(range(89, -1, -1))
    assert bool((np.diff(series.dates.astype(np.int64)) >= 0).all())
    missing = np.isnan(series.price_cents)
    assert bool((missing == np.isnan(series.listings)).all())
    assert missing.mean() == pytest.approx(truth.parameters["missing_share"], abs=0.005)
    assert bool((series.price_cents[~missing] >= LEAST_CENTS).all())
    rows = series.rows()
    assert len(rows) == (~missing).sum()
    assert (rows["date"] - rows["day"]).dt.days.equals(rows["days_to_event"])
    assert rows["day"].min() >= np.datetime64(FIRST_DAY)


def test_a_world_is_drawn_in_well_under_a_second() -> None:
    started = perf_counter()
    draw_prices(World.REGIME_CHANGE, 99)
    assert perf_counter() - started < 0.5


@pytest.mark.parametrize("size", [{"events": 0}, {"days": 1}, {"year_days": 0}])
def test_a_world_without_size_is_refused(size: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        draw_prices(World.MARTINGALE, 1, **size)


def test_what_is_observed_does_not_hold_what_is_true() -> None:
    observed, true = ({one.name for one in fields(kind)} for kind in (PriceSeries, PriceTruth))
    assert not observed & true
    assert observed == {"dates", "days_to_event", "price_cents", "listings"}
    columns = ["event", "date", "day", "days_to_event", "price_cents", "listings"]
    assert world(World.LATE_SPIKE, 1)[0].rows().columns.tolist() == columns


def test_moves_have_the_medians_that_were_measured() -> None:
    for phase in PHASES:
        medians = []
        for seed in SEEDS:
            series, truth = world(World.MARTINGALE, seed)
            before = series.days_to_event[:-1]
            here = (before >= phase.least_days) & (before <= phase.most_days)
            medians.append(np.nanmedian(np.abs(log_moves(series)[:, here])) / truth.parameters["level"])
        # Cents and the spread of events' volatility move a median by less than a tenth.
        assert np.mean(medians) == pytest.approx(phase.median_move, rel=0.1)


def test_in_the_martingale_no_horizon_has_a_drift_and_no_distance_comes_back() -> None:
    drifts = [
        drift(log_moves(world(World.MARTINGALE, seed)[0])[:, -days:]) for seed in SEEDS for days in (1, 3, 7, 14, 60)
    ]
    assert max(map(abs, drifts)) < 4
    assert abs(np.mean(drifts)) < 0.5
    assert abs(np.mean([reversal(world(World.MARTINGALE, seed)[0]) for seed in SEEDS])) < 0.02
    assert not any(world(World.MARTINGALE, seed)[1].expected_moves.any() for seed in SEEDS)


def test_quote_noise_comes_back_around_a_price_that_does_not() -> None:
    for seed in SEEDS:
        series, truth = world(World.QUOTE_NOISE, seed)
        assert reversal(series) < -0.05
        quoted, fair = np.log(series.price_cents), np.log(truth.fair_cents)
        off = np.abs(quoted - fair)[~np.isnan(quoted)] > 1e-3
        assert off.mean() == pytest.approx(truth.parameters["noisy_share"], abs=0.05)
        assert abs(drift(np.diff(fair, axis=1)[:, -14:])) < 4


def test_a_late_collapse_falls_in_the_last_days_and_not_before() -> None:
    for seed in SEEDS:
        series, truth = world(World.LATE_COLLAPSE, seed)
        first = int(truth.parameters["first_day"]) + 2
        assert np.nanmedian(last_move(series, first)) < -0.08
        assert drift(log_moves(series)[:, -first:]) < -5
        assert abs(drift(log_moves(series)[:, :-first])) < 4
        assert 0.55 < truth.shaped.mean() < 0.95
        assert bool((truth.expected_moves[~truth.shaped] == 0).all())


def test_a_late_spike_is_a_long_upper_tail_and_leaves_the_median_alone() -> None:
    for seed in SEEDS:
        series, truth = world(World.LATE_SPIKE, seed)
        first = int(truth.parameters["first_day"]) + 1
        whole = truth.expected_moves.sum(axis=1)
        assert np.median(whole) == 0
        assert whole[truth.shaped].min() >= truth.parameters["rise"] / 2 - 1e-9
        assert 0.1 < truth.shaped.mean() < 0.4
        moves = last_move(series, first)
        assert np.nanmedian(moves[truth.shaped]) > np.nanmedian(moves[~truth.shaped]) + 0.1
        assert abs(drift(log_moves(series)[:, :-first])) < 4


def test_a_regime_change_turns_the_fall_into_a_rise_on_a_day_of_the_calendar() -> None:
    rises = []
    for seed in SEEDS:
        series, truth = world(World.REGIME_CHANGE, seed)
        assert truth.change_date is not None
        days = int(truth.parameters["first_day"]) + 2
        change = np.datetime64(truth.change_date)
        before, after = series.dates < change, series.dates >= change + np.timedelta64(days, "D")
        assert min(before.sum(), after.sum()) > 60
        assert drift(log_moves(series)[before][:, -days:]) < -4
        assert bool((truth.expected_moves[before] <= 0).all())
        assert bool((truth.expected_moves[after] >= 0).all())
        rises.append(drift(log_moves(series)[after][:, -days:]))
    assert np.mean(rises) > 3
    assert all(world(name, 1)[1].change_date is None for name in World if name is not World.REGIME_CHANGE)


def test_common_shocks_move_all_events_of_a_week_and_cannot_be_foreseen() -> None:
    def by_day(series: PriceSeries) -> Floats:
        """By day of the calendar: the mean move of events over two weeks out, where their own moves are small."""
        moves = log_moves(series)[:, :-14]
        day = (series.dates[:, None] - series.days_to_event[1:-14] - np.datetime64(FIRST_DAY)).astype(np.int64)
        known = ~np.isnan(moves)
        counts = np.maximum(1, np.bincount(day[known], minlength=455))
        return np.bincount(day[known], weights=moves[known], minlength=455) / counts

    for seed in SEEDS:
        series, truth = world(World.COMMON_SHOCKS, seed)
        weeks = by_day(series)[91:350].reshape(-1, 7)
        largest = np.sort(np.abs(weeks), axis=1)
        # One day of the week stands out.
        assert largest[:, -1].mean() > 3 * largest[:, -2].mean()
        assert largest[:, -1].mean() == pytest.approx(truth.parameters["shock"] * np.sqrt(2 / np.pi), rel=0.5)
        calm = by_day(world(World.MARTINGALE, seed)[0])[91:350].reshape(-1, 7)
        assert np.abs(calm).max(axis=1).mean() < 0.5 * largest[:, -1].mean()
    following = [by_day(world(World.COMMON_SHOCKS, seed)[0])[91:350] for seed in SEEDS]
    assert abs(np.mean([np.corrcoef(one[:-1], one[1:])[0, 1] for one in following])) < 0.05


def test_listings_fall_most_in_the_last_days() -> None:
    for seed in SEEDS:
        series, truth = world(World.MARTINGALE, seed)
        moves = np.nanmean(np.diff(np.log(series.listings), axis=1), axis=0)
        assert moves[-3:].mean() < moves[-14:-3].mean() < moves[:-14].mean() + 0.005
        assert moves[-3:].mean() == pytest.approx(np.log1p(-truth.parameters["last_fall"]), abs=0.02)
