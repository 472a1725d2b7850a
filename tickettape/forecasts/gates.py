"""When may a forecast differ from the last price? Pure functions of weekly errors; nothing here reads a table.

L is the mean error of the quantile table's median over that of the last price. The gate of a horizon and phase opens
where L is below 1 by more than chance, at two weekly looks in a row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Gate = tuple[int, str]  # a horizon in days, and a phase
Floats = npt.NDArray[np.float64]

LEVEL = 0.05  # of a one-sided bound
FEWEST_WEEKS = 8  # with fewer, a resampled bound is too narrow: the market of one week is nearly the same draw
RECENT_WEEKS = 4  # a market that has changed must close the gate within a month, whatever half a year says
RESAMPLES = 4_000  # Holm's first step asks for 0.05 / 20, which 4,000 resamples reach ten times
LOOKS_APART = timedelta(days=13)  # two weekly looks in a row, though one of them was a day late


@dataclass(frozen=True)
class Week:
    """The errors of the forecasts whose targets lie in one week: sums of |log error|."""

    table_error: float
    naive_error: float


@dataclass(frozen=True)
class Judgement:
    """L over all weeks and over the recent ones, its upper bound and the chance of it if L were 1.

    None where there are too few weeks to say.
    """

    error_ratio: float | None
    recent_error_ratio: float | None
    upper_bound: float | None = None
    chance: float = 1.0


def judge(weeks: Sequence[Week], *, seed: int = 1) -> Judgement:
    """L of the weeks, oldest first, with its one-sided 95 % bound: whole weeks are resampled, and L studentized.

    Errors within a week share what happened in it, so that forecasts are no independent draws. A plain percentile
    bound of few weeks is too narrow; dividing by each resample's own standard error widens it as it should.
    """
    errors = np.array([[week.table_error, week.naive_error] for week in weeks], dtype=float).reshape(-1, 2)
    ratio, recent = _ratio(errors), _ratio(errors[-RECENT_WEEKS:])
    if ratio is None or len(errors) < FEWEST_WEEKS:
        return Judgement(ratio, recent)
    resampled, deviations = _ratios_with_errors(_resamples(len(errors), seed), errors)
    (_,), (deviation,) = _ratios_with_errors(np.ones((1, len(errors))), errors)
    usable = deviations > 0
    if not (deviation > 0 and usable.any()):  # the table says what the last price says
        return Judgement(ratio, recent, ratio, 1.0)
    studentized = (resampled[usable] - ratio) / deviations[usable]
    upper = ratio - float(np.quantile(studentized, LEVEL)) * deviation
    chance = (1 + np.count_nonzero(studentized <= (ratio - 1) / deviation)) / (1 + len(studentized))
    return Judgement(ratio, recent, float(upper), float(chance))


def _ratio(errors: Floats) -> float | None:
    table, naive = errors.sum(axis=0)
    return float(table / naive) if naive > 0 else None


@lru_cache(maxsize=64)
def _resamples(weeks: int, seed: int) -> Floats:
    """How often each week was drawn [resample, week]: the same draws for all gates of a look."""
    return np.random.default_rng(seed).multinomial(weeks, [1 / weeks] * weeks, size=RESAMPLES).astype(float)


def _ratios_with_errors(counts: Floats, errors: Floats) -> tuple[Floats, Floats]:
    """Of samples that hold each week so often [sample, week]: L, and its standard error as that of a ratio of sums."""
    table, naive = errors.T
    sums = counts @ np.stack([table, naive, table**2, table * naive, naive**2], axis=1)
    total = np.maximum(sums[:, 1], 1e-12)
    ratios = sums[:, 0] / total
    residuals = np.maximum(sums[:, 2] - 2 * ratios * sums[:, 3] + ratios**2 * sums[:, 4], 0)
    weeks = len(errors)
    return ratios, np.where(residuals < 1e-12 * total**2, 0, np.sqrt(residuals * weeks / (weeks - 1)) / total)


def passed(judged: Mapping[Gate, Judgement]) -> set[Gate]:
    """Which of all the gates that are looked at together pass: Holm's procedure, and a recent L that is not above 1."""
    through: set[Gate] = set()
    in_order = sorted(judged, key=lambda key: judged[key].chance)
    for number, key in enumerate(in_order):
        if judged[key].chance > LEVEL / (len(in_order) - number):
            break
        through.add(key)
    return {key for key in through if (judged[key].recent_error_ratio or 1) < 1}


def is_open(looked_on: date, passes: bool, before: tuple[date, bool] | None) -> bool:
    """Whether a gate is open after a weekly look. `before`: the weekly look before, and whether the gate passed it."""
    return passes and before is not None and before[1] and looked_on - before[0] <= LOOKS_APART
