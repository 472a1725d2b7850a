"""Prices as text into exact cents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickettape.marketplaces import HIGHEST_PRICE_CENTS
from tickettape.marketplaces.prices import price_cents


@given(cents=st.integers(1, HIGHEST_PRICE_CENTS))
def test_every_price_that_fits_becomes_exact_cents(cents: int) -> None:
    assert price_cents(f"{cents // 100}.{cents % 100:02d}") == cents


@pytest.mark.parametrize(
    ("text", "cents"),
    [("220.35", 22_035), ("220", 22_000), ("220.3", 22_030), ("0.01", 1), ("21474836.47", HIGHEST_PRICE_CENTS)],
)
def test_prices_with_fewer_decimals_are_read_as_written(text: str, cents: int) -> None:
    assert price_cents(text) == cents


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0", "not above 0"),
        ("0.00", "not above 0"),
        ("51.375", "at most two decimals"),
        ("1e3", "at most two decimals"),
        ("-5", "at most two decimals"),
        ('"187.93"', "at most two decimals"),
        ("null", "at most two decimals"),
        ("21474836.48", "the highest price"),
        ("9" * 1_000_000, "the highest price"),
    ],
)
def test_what_is_no_price_says_why(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        price_cents(text)
