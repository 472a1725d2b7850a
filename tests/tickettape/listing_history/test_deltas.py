"""A chain of deltas gives back every observation that it was made of."""

from hypothesis import given
from hypothesis import strategies as st

from tickettape.listing_history.deltas import (
    Observation,
    Offer,
    Prices,
    Standing,
    apply_delta,
    next_delta,
    observation_of,
)

OFFERS = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.integers(1, 2), st.just("A"), st.integers(1, 2)),
    st.tuples(st.integers(1, 5), st.integers(0, 5), st.integers(-1, 2)),
    max_size=6,
)
A, B = ("a", 1, "A", 1), ("b", 1, "A", 1)
PRICE = (100, 125, 70)


def chain(*observed: tuple[bool, dict[Offer, Prices]]) -> dict[Offer, Standing]:
    """What stands after observations of (partial, offers), a tick apart."""
    stand: dict[Offer, Standing] | None = None
    for tick, (partial, offers) in enumerate(observed, 1):
        _, stand = next_delta(stand, Observation(tick, partial, offers), keyframe=False)
    assert stand is not None
    return stand


@given(st.lists(st.tuples(st.booleans(), OFFERS, st.booleans()), min_size=1, max_size=6))
def test_every_observation_is_reconstructed_from_what_stood_before_and_its_delta(
    observed: list[tuple[bool, dict[Offer, Prices], bool]],
) -> None:
    before: dict[Offer, Standing] | None = None
    for tick, (partial, offers, keyframe) in enumerate(observed, 1):
        observation = Observation(tick, partial, offers)
        delta, after = next_delta(before, observation, keyframe=keyframe)
        assert apply_delta(before or {}, delta) == after
        assert observation_of(delta, after) == observation
        numbers = [standing[0] for standing in after.values()]
        assert len(numbers) == len(set(numbers)), "two offers have one number"
        before = after


def test_an_offer_that_an_ok_observation_does_not_show_has_gone() -> None:
    assert chain((False, {A: PRICE, B: PRICE}), (False, {A: PRICE})).keys() == {A}


def test_an_offer_that_a_partial_observation_does_not_show_stands_on() -> None:
    assert chain((False, {A: PRICE, B: PRICE}), (True, {A: PRICE})).keys() == {A, B}


def test_a_listing_that_a_partial_observation_shows_with_other_seats_stands_nowhere_else() -> None:
    moved = ("a", 2, "A", 1)
    assert chain((False, {A: PRICE, B: PRICE}), (True, {moved: PRICE})).keys() == {moved, B}


def test_a_price_that_changes_leaves_since_as_it_was_and_a_return_begins_anew() -> None:
    dearer = (200, 250, 60)
    assert chain((False, {A: PRICE}), (False, {A: dearer}))[A][1:] == (1, *dearer)
    assert chain((False, {A: PRICE}), (False, {}), (False, {A: PRICE}))[A][1:] == (3, *PRICE)


def test_an_offer_has_the_same_number_whenever_it_is_met() -> None:
    assert chain((False, {A: PRICE}))[A][0] == chain((False, {B: PRICE}), (False, {}), (False, {A: PRICE}))[A][0]
