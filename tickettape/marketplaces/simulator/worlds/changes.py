"""What happens to the slots of a market, step by step, and what can be seen of it.

The one form that the agents and the random world write, and that shelves, histories and truths are read from.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from tickettape.marketplaces.simulator.draws import Ints
from tickettape.marketplaces.simulator.market import Outcome


class Change(IntEnum):
    """What happened. The first three are also the values of `Outcome`: the listing has gone."""

    SOLD = Outcome.SOLD
    WITHDRAWN = Outcome.WITHDRAWN
    RELISTED = Outcome.RELISTED
    SHRANK = 3
    SHOWN = 4
    REPRICED = 5


@dataclass(frozen=True)
class Changes:
    """One change per row, those of one slot in order. `slot` counts through all events.

    `price_cents` and `quantity` are those after the change; quantity 0 when the listing has gone.
    """

    slot: Ints
    step: Ints
    kind: Ints
    price_cents: Ints
    quantity: Ints


class Log:
    """Takes down changes as they happen, many slots at a time."""

    def __init__(self) -> None:
        self._rows: list[tuple[Ints, Ints, Ints, Ints, Ints]] = []

    def add(self, slot: Ints, step: int | Ints, kind: Change, price_cents: Ints, quantity: Ints) -> None:
        """The same kind of change to some slots. A slot's changes come in order."""
        if len(slot):
            steps, kinds = np.broadcast_to(np.int64(step), slot.shape), np.full(slot.shape, int(kind))
            self._rows.append((slot.copy(), steps.copy(), kinds, price_cents.copy(), quantity.copy()))

    def changes(self) -> Changes:
        """All of them, by slot."""
        if not self._rows:
            return Changes(*(np.zeros(0, dtype=np.int64) for _ in range(5)))
        columns = [np.concatenate(column) for column in zip(*self._rows, strict=True)]
        order = np.argsort(columns[0], kind="stable")
        return Changes(*(column[order] for column in columns))


@dataclass(frozen=True)
class States:
    """One row per time in which a listing did not change: it is shown in `first <= step < until`.

    `generation` counts how often the slot's seats were relisted before.
    """

    slot: Ints
    generation: Ints
    first: Ints
    until: Ints
    price_cents: Ints
    quantity: Ints


@dataclass(frozen=True)
class Departures:
    """One row per listing that went or shrank: its step, its `Change`, how many tickets left, and since when it was
    shown. `comes_back` is whether the seats were shown again, as the next generation."""

    slot: Ints
    generation: Ints
    step: Ints
    kind: Ints
    tickets: Ints
    shown_since: Ints
    comes_back: Ints


def read_changes(changes: Changes, steps: int) -> tuple[States, Departures]:
    """What was shown when, and what left. Nothing changes after `steps`."""
    slot, step, kind = changes.slot, changes.step, changes.kind
    rows = np.arange(len(slot))
    begins = np.r_[True, slot[1:] != slot[:-1]] if len(slot) else np.zeros(0, dtype=np.bool_)
    shown = kind == Change.SHOWN
    before = np.cumsum(shown)
    first_row = np.maximum.accumulate(np.where(begins, rows, 0))
    generation = before - before[first_row]
    last_shown = np.maximum.accumulate(np.where(shown, rows, 0))
    follows = np.r_[~begins[1:], False] if len(slot) else begins
    until = np.where(follows, np.roll(step, -1), steps)

    stands = (kind >= Change.SHRANK) & (until > step)
    states = States(
        slot[stands], generation[stands], step[stands], until[stands],
        changes.price_cents[stands], changes.quantity[stands],
    )  # fmt: skip
    left = kind <= Change.SHRANK
    tickets = np.roll(changes.quantity, 1) - changes.quantity
    departures = Departures(
        slot[left], generation[left], step[left], kind[left], tickets[left], step[last_shown][left],
        (follows & (kind == Change.RELISTED))[left],
    )  # fmt: skip
    return states, departures
