"""Draws are functions: the same arguments give the same number, in any order, and the numbers look drawn."""

import numpy as np

from tickettape.marketplaces.simulator.draws import fraction, fractions, keys, normals, origin

MANY = np.arange(20_000, dtype=np.int64)


def test_a_draw_is_the_same_whenever_and_beside_whatever_it_is_drawn() -> None:
    start = origin(7, 1, "prices")
    together = fractions(keys(start, MANY), 3)
    assert (fractions(keys(start, MANY[::-1]), 3)[::-1] == together).all()
    assert fractions(keys(start, MANY[500:501]), 3)[0] == together[500]


def test_another_seed_number_or_purpose_is_another_family() -> None:
    families = {origin(7, 1, "prices"), origin(8, 1, "prices"), origin(7, 2, "prices"), origin(7, 1, "zones")}
    assert len(families) == 4
    assert 0 <= fraction(7, 1, "prices") < 1


def test_draws_fill_their_range_evenly_and_streams_are_independent() -> None:
    key = keys(origin(7, 1, "prices"), MANY, MANY % 7)
    assert len(np.unique(key)) == len(MANY)
    one, other = fractions(key, 0), fractions(key, 1)
    tenths, _ = np.histogram(one, bins=10, range=(0, 1))
    assert tenths.sum() == len(MANY)
    assert tenths.min() > 1_800
    assert tenths.max() < 2_200
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.03


def test_normal_draws_have_the_moments_and_the_tails_of_a_normal_distribution() -> None:
    draws = normals(keys(origin(7, 1, "prices"), MANY), 4)
    assert abs(draws.mean()) < 0.03
    assert abs(draws.std() - 1) < 0.02
    assert abs((np.abs(draws) > 1.96).mean() - 0.05) < 0.006
