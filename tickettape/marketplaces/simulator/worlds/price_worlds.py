"""Worlds of get-in prices and listing counts, by event and day, to test forecasts on.

Pure functions of (world, seed, size), whole arrays at a time. What is observed and what is true are two objects: a
method is given the first, the test that judges it has both. Ranges belong in `ranges`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd

from tickettape.marketplaces.simulator.draws import Floats, Hashes, Ints, fractions, keys, normals, origin
from tickettape.marketplaces.simulator.worlds.ranges import FAR_MOVE, OWN_RANGES, PHASES, PRICE_RANGES, World, drawn

FIRST_DAY = date(2025, 1, 6)  # a Monday, so that weeks of the calendar are weeks of the shocks
LEAST_CENTS = 100  # a get-in price is never less than a dollar
DAYS_OF_WEEK = 7

_MOVES, _SIZE, _JUMP, _MISSING, _NOISY, _NOISE, _COUNT = range(0, 14, 2)  # a normal takes two streams
_DATE, _VOLATILITY, _FIRST, _LISTINGS, _SHAPED, _START, _EXTENT = range(0, 14, 2)

Dates = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class PriceSeries:
    """What is observed: an event per row, a day per column, at 00:00 UTC, soonest event first.

    `dates` [event] are the events' days; `days_to_event` [day] descends to 0, the event's own day. `price_cents` and
    `listings` [event, day] are NaN where nothing was observed.
    """

    dates: Dates
    days_to_event: Ints
    price_cents: Floats
    listings: Floats

    def rows(self) -> pd.DataFrame:
        """The observations as a table: event (from 0), date, day, days_to_event, price_cents, listings."""
        event, column = np.nonzero(~np.isnan(self.price_cents))
        days = self.days_to_event[column]
        return pd.DataFrame(
            {
                "event": event,
                "date": self.dates[event],
                "day": self.dates[event] - days.astype("timedelta64[D]"),
                "days_to_event": days,
                "price_cents": self.price_cents[event, column].astype(np.int64),
                "listings": self.listings[event, column].astype(np.int64),
            }
        )


@dataclass(frozen=True)
class PriceTruth:
    """What is true and never observed.

    `fair_cents` [event, day] is the price without the noise of its quote, `expected_moves` [event, day] the log move
    that was to be expected into that day (0 where the last price is the best guess), `shaped` [event] whether the
    event collapses or spikes. `change_date` is the first day of another regime, or None. `parameters` were drawn.
    """

    world: World
    parameters: dict[str, float]
    fair_cents: Floats
    expected_moves: Floats
    shaped: npt.NDArray[np.bool_]
    change_date: date | None


def draw_prices(
    world: World, seed: int, *, events: int = 300, days: int = 90, year_days: int = 365
) -> tuple[PriceSeries, PriceTruth]:
    """A world of prices and its truth. The events' dates lie evenly in `year_days`; each is observed for `days`."""
    if events < 1 or days < 2 or year_days < 1:
        raise ValueError(
            f"A world of {events} events, {days} days and a year of {year_days} days cannot be drawn. Give at least 1 "
            "event, 2 days and a year of 1 day."
        )
    chosen = drawn(PRICE_RANGES | OWN_RANGES[world], seed, f"prices, {world}")
    of_event = keys(origin(seed, 0, f"events, {world}"), np.arange(events))
    ahead = np.sort((fractions(of_event, _DATE) * year_days).astype(np.int64)) + days - 1
    left = np.arange(days - 1, -1, -1)
    calendar = ahead[:, None] - left  # days since FIRST_DAY
    of_day = keys(origin(seed, 0, f"days, {world}"), *np.indices((events, days)))

    change_day = int(chosen["change_at"] * (year_days + days)) if world == World.REGIME_CHANGE else None
    shaped, expected = _shape(chosen, of_event, calendar, left, change_day)
    moves = expected + _symmetric_moves(chosen, of_event, of_day, left)
    if world == World.COMMON_SHOCKS:
        moves += _common_shocks(chosen["shock"], seed, year_days + days)[calendar]
    moves[:, 0] = 0.0
    first = chosen["first_dollars"] * 100 * np.exp(0.6 * normals(of_event, _FIRST))
    fair = np.maximum(LEAST_CENTS, first[:, None] * np.exp(np.cumsum(moves, axis=1)))
    quoted = fair
    if world == World.QUOTE_NOISE:
        off = fractions(of_day, _NOISY) < chosen["noisy_share"]
        quoted = fair * np.exp(np.where(off, chosen["quote_noise"] * normals(of_day, _NOISE), 0.0))

    missing = fractions(of_day, _MISSING) < chosen["missing_share"]
    listings = _listings(chosen, of_event, of_day, left)
    series = PriceSeries(
        dates=np.datetime64(FIRST_DAY, "D") + ahead,
        days_to_event=left,
        price_cents=np.where(missing, np.nan, np.maximum(LEAST_CENTS, np.rint(quoted))),
        listings=np.where(missing, np.nan, listings),
    )
    change_date = None if change_day is None else FIRST_DAY + timedelta(days=change_day)
    return series, PriceTruth(world, chosen, fair, expected, shaped, change_date)


def _symmetric_moves(chosen: dict[str, float], of_event: Hashes, of_day: Hashes, left: Ints) -> Floats:
    """Log moves whose median is 0 whatever came before: the last price is the best guess."""
    moving, deviation = _phases(left)
    volatility = chosen["level"] * np.exp(chosen["event_spread"] * normals(of_event, _VOLATILITY))
    jumps = np.where(fractions(of_day, _JUMP) < chosen["jump_share"], 3.0, 1.0)
    size = volatility[:, None] * deviation * jumps * normals(of_day, _SIZE)
    moves: Floats = np.where(fractions(of_day, _MOVES) < moving, size, 0.0)
    return moves


def _phases(left: Ints) -> tuple[Floats, Floats]:
    """By day: the share of moves into it that are not zero, and their log deviation, for a market of level 1."""
    moving, deviation = np.zeros(len(left)), np.zeros(len(left))
    for phase in PHASES:
        here = (left + 1 >= phase.least_days) & (left + 1 <= phase.most_days)
        moving[here] = phase.moving_share
        # Half of all moves, the zeros among them, are at most the median.
        edge = NormalDist().inv_cdf(1 - 1 / (4 * phase.moving_share)) if phase.median_move else 0.0
        deviation[here] = phase.median_move / edge if phase.median_move else FAR_MOVE
    return moving, deviation


def _shape(
    chosen: dict[str, float], of_event: Hashes, calendar: Ints, left: Ints, change_day: int | None
) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Which events collapse or spike, and the log move to be expected into each day because of it."""
    if "shaped_share" not in chosen:
        return np.zeros(len(of_event), dtype=np.bool_), np.zeros(calendar.shape)
    shaped = fractions(of_event, _SHAPED) < chosen["shaped_share"]
    extent = -chosen["fall"] if "fall" in chosen else chosen["rise"]
    extents = extent * (0.5 + fractions(of_event, _EXTENT))
    # An event begins up to a day before or after the world's own day, and never on its last.
    start = np.maximum(1, np.rint(chosen["first_day"] - 1 + 2 * fractions(of_event, _START)))
    daily = np.where(left < start[:, None], (extents / start)[:, None], 0.0)
    if change_day is not None:
        daily = np.where(calendar >= change_day, chosen["after"] * daily, daily)
    return shaped, np.where(shaped[:, None], daily, 0.0)


def _common_shocks(shock: float, seed: int, days: int) -> Floats:
    """By day of the calendar: the log move that all events share. One day of each week has one."""
    weeks = np.arange(days // DAYS_OF_WEEK + 1)
    of_week = keys(origin(seed, 0, "shocks"), weeks)
    # On one day, because a shock spread over a week could be foreseen from its first days.
    day = weeks * DAYS_OF_WEEK + (fractions(of_week, 2) * DAYS_OF_WEEK).astype(np.int64)
    shocks = np.zeros((len(weeks) + 1) * DAYS_OF_WEEK)
    shocks[day] = shock * normals(of_week, 0)
    return shocks


def _listings(chosen: dict[str, float], of_event: Hashes, of_day: Hashes, left: Ints) -> Floats:
    falls = np.select([left >= 14, left >= 3], [chosen["far_fall"], chosen["near_fall"]], chosen["last_fall"])
    moves = np.log1p(-falls) + chosen["count_noise"] * normals(of_day, _COUNT)
    moves[:, 0] = 0.0
    first = chosen["first_listings"] * np.exp(0.5 * normals(of_event, _LISTINGS))
    counts: Floats = np.maximum(1.0, np.rint(first[:, None] * np.exp(np.cumsum(moves, axis=1))))
    return counts
