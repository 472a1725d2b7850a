"""When agents come, before anything happens: buyers, brokers' batches and rounds of relisting, and lone withdrawals.

Pure draws; what each finds when its time has come is decided in `agents`. Rows are sorted by step.
"""

from dataclasses import dataclass

import numpy as np

from tickettape.marketplaces.simulator.draws import Floats, Hashes, Ints, fractions, keys, normals
from tickettape.marketplaces.simulator.worlds.offers import NEVER, STEPS_A_DAY, Bools, Offers

MOST_ROUNDS = 40  # of one broker: at a mean of 6 days, they fill the longest window, 240 days
OFFICE_FROM, OFFICE_HOURS = 9, 8  # local time
EVENING = 20  # local hour at which most buyers come

_WHEN, _WANTS, _RESERVE, _TASTE, _CHOOSES = range(0, 10, 2)
_GAP, _HOUR, _IN_OFFICE, _TOGETHER = range(4)
_LONE_WHEN = 42

_WANTED = np.array([2, 4, 1, 3])
_WANTED_EDGES = np.cumsum([0.55, 0.22, 0.15])


@dataclass(frozen=True)
class Buyers:
    """One buyer per row. `reserve` is the log of the reservation price over the seats' worth, `taste` what is paid
    for seats above the middle. `takes_best`: the best offer; otherwise any."""

    step: Ints
    event: Ints
    key: Hashes
    wanted: Ints
    reserve: Floats
    taste: Floats
    takes_best: Bools

    def starts(self, steps: int) -> Ints:
        """The first row of each step, and of the one after the last."""
        found: Ints = np.searchsorted(self.step, np.arange(steps + 1))
        return found


@dataclass(frozen=True)
class Rounds:
    """One round of one broker per row: a batch that is withdrawn, or listings that are relisted.

    `together`: at this step; otherwise spread over the days after it.
    """

    step: Ints
    event: Ints
    broker: Ints
    number: Ints
    together: Bools


def buyers_of(offers: Offers, chosen: dict[str, float], strength: float, steps: int, demand: Floats) -> Buyers:
    """All buyers; `demand` [event] multiplies the buyers per listing that the market has."""
    months = steps / (30 * STEPS_A_DAY)
    counts = np.rint(chosen["demand"] * months * demand * offers.count).astype(np.int64)
    event = np.repeat(np.arange(len(counts)), counts)
    number = np.arange(len(event)) - np.repeat(np.cumsum(counts) - counts, counts)
    key = keys(3, offers.event_key[event], number)
    step = np.zeros(len(event), dtype=np.int64)
    every = np.arange(steps)
    late = 1 + chosen["late_demand"] * np.exp(-(steps - every) / (5 * STEPS_A_DAY))
    for index in range(len(counts)):
        hour = offers.start_hour[index] + every * 24 / STEPS_A_DAY
        rate = late * (1 + strength * chosen["evening"] * np.cos(2 * np.pi * (hour - EVENING) / 24))
        came = np.cumsum(rate) / rate.sum()
        here = event == index
        step[here] = np.minimum(np.searchsorted(came, fractions(key[here], _WHEN)), steps - 1)
    order = np.lexsort((number, event, step))
    key = key[order]
    return Buyers(
        step=step[order],
        event=event[order],
        key=key,
        wanted=_WANTED[np.searchsorted(_WANTED_EDGES, fractions(key, _WANTS), side="right")],
        reserve=chosen["reserve"] + chosen["reserve_spread"] * normals(key, _RESERVE),
        taste=1 + chosen["taste_spread"] * normals(key, _TASTE),
        takes_best=fractions(key, _CHOOSES) < strength,
    )


def rounds_of(
    offers: Offers, brokers: int, purpose: int, mean_days: float, strength: float, steps: int, *, office: bool
) -> Rounds:
    """The rounds of every broker of the agents' events; in `office` hours as far as the strength goes."""
    shape = (len(offers.event_key), brokers, MOST_ROUNDS)
    event, broker, number = np.indices(shape)
    key = keys(purpose, offers.event_key[event], broker, number)
    days = np.cumsum(-np.log1p(-fractions(key, _GAP)) * mean_days, axis=2)
    if office:
        hour = OFFICE_FROM + OFFICE_HOURS * fractions(key, _HOUR) - offers.start_hour[:, None, None]
        days = np.where(fractions(key, _IN_OFFICE) < strength, np.floor(days) + hour / 24 % 1, days)
    step = np.ceil(days * STEPS_A_DAY).astype(np.int64)
    rows = np.nonzero((step < steps) & ~offers.random[event])
    rows = tuple(index[np.argsort(step[rows], kind="stable")] for index in rows)
    together = fractions(key, _TOGETHER) < strength
    return Rounds(step[rows], event[rows], broker[rows], number[rows], together[rows])


def lone_withdrawals(offers: Offers, lone_share: float) -> Ints:
    """By slot of all events: the step at which its seller withdraws it by itself, or `NEVER`."""
    appears, key = offers.appears.ravel(), offers.slot_key.ravel()
    mean = -30 * STEPS_A_DAY / np.log1p(-lone_share)
    after = 1 + (-np.log1p(-fractions(key, _LONE_WHEN)) * mean).astype(np.int64)
    leaves: Ints = np.where(appears == NEVER, NEVER, np.minimum(appears, NEVER - after) + after)
    return leaves
