"""The market of agents: buyers who take the best offer they see, brokers who undercut, relist and withdraw in batches.

All events go through the same steps at once, each by itself: an event ends the same beside any others. What agents
want is in `offers` and `plans`; here they meet.
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tickettape.marketplaces.simulator.draws import Floats, Hashes, Ints, fractions, keys
from tickettape.marketplaces.simulator.split_rules import MOST_QUANTITY, Rule, buyable
from tickettape.marketplaces.simulator.worlds.changes import Change, Log
from tickettape.marketplaces.simulator.worlds.offers import (
    NEVER,
    PRIVATE,
    STEP_MINUTES,
    STEPS_A_DAY,
    Bools,
    Offers,
    cents_of,
    trend_at,
)
from tickettape.marketplaces.simulator.worlds.plans import Buyers, Rounds, buyers_of, lone_withdrawals, rounds_of

Scalar = TypeVar("Scalar", bound=np.generic)

SPREAD_DAYS = 5  # over which a batch is spread that leaves no trace
HIGHEST = 1.3  # of a broker's usual price: the software goes up with the others, but not without end

_LOOK, _MOOD, _UNDERCUTS_NOW = range(3)
_IN_ROUND, _WAITS = range(2)
_SEES, _ANY = range(2)


def _sellable() -> Bools:
    """Whether a listing sells a number of tickets: [rule, quantity, wanted]."""
    table = np.zeros((len(Rule), MOST_QUANTITY + 1, MOST_QUANTITY + 1), dtype=np.bool_)
    for rule in Rule:
        for quantity in range(1, MOST_QUANTITY + 1):
            table[rule, quantity, list(buyable(rule, quantity))] = True
    return table


_SELLABLE = _sellable()


def trade(offers: Offers, chosen: dict[str, float], demand: Floats, strength: float, steps: int, log: Log) -> None:
    """Let the agents of all events that are not random live through `steps`, and take down what they do.

    `demand` [event] multiplies the buyers of the market.
    """
    buyers = buyers_of(offers, chosen, strength, steps, np.where(offers.random, 0.0, demand))
    brokers = int(offers.seller.max()) + 1
    batches = rounds_of(offers, brokers, 4, chosen["batch_days"], strength, steps, office=True)
    relistings = rounds_of(offers, brokers, 5, chosen["relist_days"], strength, steps, office=False)
    market = _Trading(offers, chosen, strength, steps, log)
    first_buyer = buyers.starts(steps)
    first_batch, first_relisting = (np.searchsorted(one.step, np.arange(steps + 1)) for one in (batches, relistings))
    for step in range(steps):
        market.show(step)
        for row in range(first_relisting[step], first_relisting[step + 1]):
            market.relist(step, relistings, row)
        for row in range(first_batch[step], first_batch[step + 1]):
            market.withdraw_batch(step, batches, row)
        market.withdraw_alone(step)
        market.look(step)
        market.buy(step, buyers, first_buyer[step], first_buyer[step + 1])


class _Trading:
    """What stands at a step, by slot of all events."""

    def __init__(self, offers: Offers, chosen: dict[str, float], strength: float, steps: int, log: Log) -> None:
        self.offers, self.chosen, self.strength, self.steps, self.log = offers, chosen, strength, steps, log
        self.shape = offers.appears.shape
        self.event = np.repeat(np.arange(self.shape[0]), self.shape[1])
        self.number = np.tile(np.arange(self.shape[1]), self.shape[0])
        self.shows = np.where(offers.random[:, None], NEVER, offers.appears).ravel()
        self.leaves = lone_withdrawals(offers, chosen["lone_share"])
        self.private = (offers.seller == PRIVATE).ravel()
        self.seller, self.rule, self.zone = offers.seller.ravel(), offers.rule.ravel(), offers.zone.ravel()
        self.undercuts, self.fee = offers.undercuts.ravel(), offers.fee.ravel()
        self.worth, self.usual = offers.worth_cents.ravel(), offers.usual_cents.ravel()
        middle = np.array([np.median(row[:count]) for row, count in zip(offers.worth_cents, offers.count, strict=True)])
        self.above_middle = np.log(offers.worth_cents / middle[:, None]).ravel()
        self.alive = np.zeros(len(self.event), dtype=np.bool_)
        self.price = np.zeros(len(self.event), dtype=np.int64)
        self.quantity = offers.quantity.ravel().copy()
        self.next_look = np.full(len(self.event), NEVER)

    def show(self, step: int) -> None:
        """What appears now, for the first time or after its relisting."""
        slot = np.flatnonzero(self.shows == step)
        if not len(slot):
            return
        self.shows[slot] = NEVER
        new = slot[self.price[slot] == 0]
        trend = trend_at(self.offers.trend[self.event[new]], step, self.steps)
        self.price[new] = cents_of(self.usual[new] * trend, self.private[new])
        self.next_look[new] = step + self._until_look(new, step)
        self.alive[slot] = True
        self.log.add(slot, step, Change.SHOWN, self.price[slot], self.quantity[slot])

    def relist(self, step: int, rounds: Rounds, row: int) -> None:
        """A broker gives some listings new ids, after gaps of their own."""
        slot = self._in_round(6, rounds, row, self.chosen["relist_share"])
        if not len(slot):
            return
        self._end(slot, step, Change.RELISTED)
        longest = int(self.chosen["relist_minutes"] / STEP_MINUTES)
        wait = (fractions(self._keys(7, slot, step), _WAITS) * (longest + 1)).astype(np.int64)
        self.shows[slot] = step + wait
        at_once = slot[wait == 0]
        self.alive[at_once], self.shows[at_once] = True, NEVER
        self.log.add(at_once, step, Change.SHOWN, self.price[at_once], self.quantity[at_once])

    def withdraw_batch(self, step: int, rounds: Rounds, row: int) -> None:
        """A broker withdraws some listings together; or, without a trace, one by one in the days after."""
        slot = self._in_round(8, rounds, row, self.chosen["batch_share"])
        if rounds.together[row]:
            self._end(slot, step, Change.WITHDRAWN)
            return
        wait = 1 + (fractions(self._keys(9, slot, step), _WAITS) * SPREAD_DAYS * STEPS_A_DAY).astype(np.int64)
        self.leaves[slot] = np.minimum(self.leaves[slot], step + wait)

    def withdraw_alone(self, step: int) -> None:
        """Whoever meant to leave by now and stands."""
        self._end(np.flatnonzero(self.alive & (self.leaves <= step)), step, Change.WITHDRAWN)

    def look(self, step: int) -> None:
        """Sellers whose time has come look at their prices; software undercuts the cheapest of the zone."""
        due = np.flatnonzero(self.alive & (self.next_look <= step))
        if not len(due):
            return
        key = self._keys(10, due, step)
        price = self.usual[due] * trend_at(self.offers.trend[self.event[due]], step, self.steps)
        cutting = self.undercuts[due] & (fractions(key, _UNDERCUTS_NOW) < self.strength)
        price[~cutting] *= np.exp(0.1 * (fractions(key[~cutting], _MOOD) - 0.5))
        price[cutting] = np.minimum(self._just_under(due[cutting]), HIGHEST * price[cutting])
        cents = cents_of(price, self.private[due])
        changed = cents != self.price[due]
        self.price[due] = cents
        self.next_look[due] = step + self._until_look(due, step)
        self.log.add(due[changed], step, Change.REPRICED, cents[changed], self.quantity[due[changed]])

    def _just_under(self, slot: Ints) -> Floats:
        """A step under the cheapest of the zone, for what it is worth, that the seller can still afford to undercut."""
        event, rows = self.event[slot], np.arange(len(slot))
        step = 1 - self.chosen["undercut"]
        lowest = self.chosen["floor"] * self.usual[slot] / self.worth[slot] / step
        ratio = self._of(self.price, event) / self._of(self.worth, event)
        like = self._of(self.alive, event) & (self._of(self.zone, event) == self.zone[slot][:, None])
        like[rows, self.number[slot]] = False
        prices: Floats = (
            np.where(like & (ratio >= lowest[:, None]), ratio, np.inf).min(axis=1) * self.worth[slot] * step
        )
        return prices

    def buy(self, step: int, buyers: Buyers, first: int, last: int) -> None:
        """The buyers of this step, one after another within each event."""
        rows = np.arange(first, last)
        while len(rows):
            _, one_each = np.unique(buyers.event[rows], return_index=True)
            self._buy_one_each(step, buyers, rows[one_each])
            rows = np.delete(rows, one_each)

    def _buy_one_each(self, step: int, buyers: Buyers, rows: Ints) -> None:
        event, wanted = buyers.event[rows], buyers.wanted[rows]
        width = self.shape[1]
        key = keys(11, *np.broadcast_arrays(buyers.key[rows].astype(np.int64)[:, None], np.arange(width)))
        sells = _SELLABLE[self._of(self.rule, event), self._of(self.quantity, event), wanted[:, None]]
        offered = self._of(self.alive, event) & sells & (fractions(key, _SEES) < self.chosen["seen_share"])
        trend = np.log(trend_at(self.offers.trend[event], step, self.steps))
        better = (buyers.taste[rows] - 1)[:, None] * self._of(self.above_middle, event)
        worth = self._of(self.worth, event) * np.exp((buyers.reserve[rows] + trend)[:, None] + better)
        all_in = self._of(self.price, event) * self._of(self.fee, event)
        surplus = np.where(offered, worth - all_in, -np.inf)
        buys = surplus.max(axis=1) > 0
        any_offer = np.where(offered, fractions(key, _ANY), -np.inf)
        taken = np.where(buyers.takes_best[rows], surplus.argmax(axis=1), any_offer.argmax(axis=1))[buys]
        bought, wanted = event[buys] * width + taken, wanted[buys]
        whole = self.quantity[bought] == wanted
        self._end(bought[whole], step, Change.SOLD)
        part = bought[~whole]
        self.quantity[part] -= wanted[~whole]
        self.log.add(part, step, Change.SHRANK, self.price[part], self.quantity[part])

    def _of(self, values: npt.NDArray[Scalar], event: Ints) -> npt.NDArray[Scalar]:
        """The values of all slots of some events: [event, slot]."""
        rows: npt.NDArray[Scalar] = values.reshape(self.shape)[event]
        return rows

    def _end(self, slot: Ints, step: int, kind: Change) -> None:
        self.alive[slot] = False
        self.log.add(slot, step, kind, self.price[slot], np.zeros_like(slot))

    def _in_round(self, purpose: int, rounds: Rounds, row: int, share: float) -> Ints:
        """Those of the broker's listings that a round takes."""
        event, step = int(rounds.event[row]), int(rounds.step[row])
        first = event * self.shape[1]
        here = slice(first, first + self.shape[1])
        slot = first + np.flatnonzero(self.alive[here] & (self.seller[here] == rounds.broker[row]))
        taken: Ints = slot[fractions(self._keys(purpose, slot, step), _IN_ROUND) < share]
        return taken

    def _until_look(self, slot: Ints, step: int) -> Ints:
        hours = np.where(self.private[slot], self.chosen["private_hours"], self.chosen["broker_hours"])
        draw = fractions(self._keys(12, slot, step), _LOOK)
        until: Ints = 1 + (-np.log1p(-draw) * hours * STEPS_A_DAY / 24).astype(np.int64)
        return until

    def _keys(self, purpose: int, slot: Ints, step: int) -> Hashes:
        return keys(purpose, self.offers.event_key[self.event[slot]], self.number[slot], np.full(len(slot), step))
