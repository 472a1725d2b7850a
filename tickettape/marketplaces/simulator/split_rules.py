"""How a simulated listing may be split: which quantities each rule sells, and what a partial sale takes."""

from enum import IntEnum

import numpy as np

from tickettape.marketplaces.simulator.draws import Ints

MOST_QUANTITY = 12


class Rule(IntEnum):
    """Split rules. Both CUSTOM ones are "2" on the wire: one sells the whole only, one states a list."""

    EVEN = 0
    ANY = 1
    WHOLE = 2
    NEVER_LEAVE_ONE = 3
    CUSTOM = 4


RULE_EDGES = np.cumsum([0.18, 0.07, 0.28, 0.37])


def buyable(rule: Rule, quantity: int) -> tuple[int, ...]:
    """The quantities that a listing of `quantity` tickets under `rule` sells."""
    everything = range(1, quantity + 1)
    if rule is Rule.ANY:
        return tuple(everything)
    if rule is Rule.NEVER_LEAVE_ONE:
        return tuple(n for n in everything if n != quantity - 1)
    if rule is Rule.EVEN and quantity > 1:
        return tuple(n for n in everything if n % 2 == 0)
    if rule is Rule.CUSTOM:
        return tuple(sorted({n for n in (2, quantity) if n <= quantity and quantity - n != 1}))
    return (quantity,)


def _takes() -> Ints:
    """What a partial sale takes: [rule, quantity, draw of 8]; 0 where the rule sells only the whole."""
    takes = np.zeros((len(Rule), MOST_QUANTITY + 1, 8), dtype=np.int64)
    for rule in Rule:
        for quantity in range(2, MOST_QUANTITY + 1):
            parts = [n for n in buyable(rule, quantity) if n < quantity]
            if parts:
                takes[rule, quantity] = [parts[draw % len(parts)] for draw in range(8)]
    return takes


TAKES = _takes()
"""What a partial sale takes: [rule, quantity, draw of 8]."""
