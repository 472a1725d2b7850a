"""The random world: listings go by themselves, at times that depend on nothing, and a coin says why.

What a method finds in the traces of these departures is not there.
"""

import numpy as np

from tickettape.marketplaces.simulator.draws import Floats, Hashes, Ints, fractions, keys
from tickettape.marketplaces.simulator.worlds.changes import Change, Log
from tickettape.marketplaces.simulator.worlds.offers import NEVER, PRIVATE, STEPS_A_DAY, Offers, cents_of
from tickettape.marketplaces.simulator.worlds.ranges import RANDOM_SOLD_SHARE

_LIFE, _OUTCOME, _LOOK, _MOOD = 40, 41, 0, 1


def live_and_go(offers: Offers, chosen: dict[str, float], steps: int, log: Log) -> None:
    """Take down everything that happens to the offers of the events of the random world."""
    width = offers.appears.shape[1]
    slot = np.flatnonzero(offers.random[:, None] & (offers.appears != NEVER))
    if not len(slot):
        return
    key = offers.slot_key.ravel()[slot]
    born, quantity = offers.appears.ravel()[slot], offers.quantity.ravel()[slot]
    private = offers.seller.ravel()[slot] == PRIVATE
    usual = offers.usual_cents.ravel()[slot]
    ends = born + 1 + _exponential(key, _LIFE, chosen["random_life_days"] * STEPS_A_DAY)
    log.add(slot, born, Change.SHOWN, cents_of(usual, private), quantity)

    hours = np.where(private, chosen["private_hours"], chosen["broker_hours"])
    looked = born
    for look in range(steps):
        look_key = keys(2, offers.event_key[slot // width], slot % width, np.full(len(slot), look))
        looked = looked + 1 + _exponential(look_key, _LOOK, hours * STEPS_A_DAY / 24)
        due = looked < np.minimum(ends, steps)
        if not due.any():
            break
        price = cents_of(usual * np.exp(0.12 * (fractions(look_key, _MOOD) - 0.5)), private)
        log.add(slot[due], looked[due], Change.REPRICED, price[due], quantity[due])

    sold = fractions(key, _OUTCOME) < RANDOM_SOLD_SHARE
    for outcome, chosen_by_coin in ((Change.SOLD, sold), (Change.WITHDRAWN, ~sold)):
        gone = chosen_by_coin & (ends < steps)
        nothing = np.zeros(int(gone.sum()), dtype=np.int64)
        log.add(slot[gone], ends[gone], outcome, cents_of(usual, private)[gone], nothing)


def _exponential(key: Hashes, stream: int, mean: float | Floats) -> Ints:
    steps: Ints = (-np.log1p(-fractions(key, stream)) * mean).astype(np.int64)
    return steps
