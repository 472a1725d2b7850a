"""From changes to what was shown and what left."""

import numpy as np

from tickettape.marketplaces.simulator.worlds.changes import Change, Log, read_changes


def one(*values: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    return np.array(values, dtype=np.int64)


def test_a_listing_that_is_relisted_has_two_generations_and_is_shown_until_it_goes() -> None:
    log = Log()
    log.add(one(7, 3), 0, Change.SHOWN, one(5_000, 6_000), one(4, 2))
    log.add(one(3), 2, Change.REPRICED, one(5_500), one(2))
    log.add(one(3), 4, Change.RELISTED, one(5_500), one(0))
    log.add(one(7), 4, Change.SHRANK, one(5_000), one(2))
    log.add(one(3), 6, Change.SHOWN, one(5_500), one(2))
    log.add(one(3), 8, Change.SOLD, one(5_500), one(0))
    log.add(one(), 9, Change.SOLD, one(), one())
    states, departures = read_changes(log.changes(), 10)
    columns = (states.slot, states.generation, states.first, states.until, states.price_cents, states.quantity)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == [
        (3, 0, 0, 2, 6_000, 2),
        (3, 0, 2, 4, 5_500, 2),
        (3, 1, 6, 8, 5_500, 2),
        (7, 0, 0, 4, 5_000, 4),
        (7, 0, 4, 10, 5_000, 2),
    ]
    gone = (departures.slot, departures.generation, departures.step, departures.kind, departures.tickets)
    assert list(zip(*(column.tolist() for column in gone), strict=True)) == [
        (3, 0, 4, Change.RELISTED, 2),
        (3, 1, 8, Change.SOLD, 2),
        (7, 0, 4, Change.SHRANK, 2),
    ]
    assert departures.comes_back.tolist() == [True, False, False]
    assert departures.shown_since.tolist() == [0, 6, 0]


def test_what_ends_before_anybody_could_look_was_never_shown() -> None:
    log = Log()
    log.add(one(1), 5, Change.SHOWN, one(5_000), one(2))
    log.add(one(1), 5, Change.SOLD, one(5_000), one(0))
    states, departures = read_changes(log.changes(), 10)
    assert len(states.slot) == 0
    assert departures.step.tolist() == departures.shown_since.tolist() == [5]


def test_nothing_happened_is_no_error() -> None:
    states, departures = read_changes(Log().changes(), 10)
    assert len(states.slot) == len(departures.slot) == 0
