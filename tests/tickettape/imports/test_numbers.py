"""Numbers as spreadsheets and libraries write them: read exactly, or refused."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tickettape.imports.columns import Mended
from tickettape.imports.numbers import BINARY_FRACTION, THOUSANDS, DecimalMarks, read_cents, read_count, read_price
from tickettape.marketplaces import HIGHEST_PRICE_CENTS


@pytest.mark.parametrize(
    ("value", "expected"),
    [("220.35", 22035), ("220.3", 22030), ("220", 22000), ("$220.350", 22035), ("0.01", 1), (220.35, 22035), (19, 1900),
     (19.990000000000002, 1999),
     (float(np.float32(220.35)), 22035), (Decimal("220.35"), 22035), (".5", 50), ("20.", 2000),
     ("1,250.00", Mended(125000, THOUSANDS, "1250.00")), ("$1,250", Mended(125000, THOUSANDS, "1250.00")),
     ("19.990000000000002", Mended(1999, BINARY_FRACTION, "19.99")),
     ("19.989999771118164", Mended(1999, BINARY_FRACTION, "19.99"))],
)  # fmt: skip
def test_a_price_is_exact_cents(value: Any, expected: Any) -> None:
    assert read_cents(value) == expected


@pytest.mark.parametrize(
    ("value", "said"),
    [("1.005", "two decimals"), (1.005, "two decimals"), ("19.9899", "two decimals"), ("0", "above 0"),
     ("-5", "not a number"), ("free", "not a number"), (float("nan"), "not a number"), (-1.0, "above 0"),
     ("12,50", "decimal comma"), ("1.250,00", "decimal comma"), ("1,25,00", "not a number"), ("1.25E+03", "rounded"),
     ("€5", "not a number"), ("(5.00)", "not a number"), (True, "not a number"),
     (HIGHEST_PRICE_CENTS / 100 + 0.01, "is above 21,474,836.47")],
)  # fmt: skip
def test_what_is_no_price_is_refused(value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_cents(value)


@pytest.mark.parametrize(
    ("value", "cents", "sign"),
    [("220.35", 22035, None), ("220.345", 22035, None), ("220.344999", 22034, None), ("1,220.5", 122050, None),
     ("$220", 22000, "$"), ("US$ 1,234,567.89", 123456789, "USD"), ("€9.50", 950, "EUR"), ("12 EUR", 1200, "EUR"),
     (".5", 50, None), ("10,858,935", 1085893500, None), (220.345, 22035, None), (19, 1900, None),
     (np.float32(0.5), 50, None), (Decimal("1.005"), 101, None)],
)  # fmt: skip
def test_a_price_of_a_range_is_cents_rounded_half_up(value: Any, cents: int, sign: str | None) -> None:
    found = read_price(value)
    assert (found.value if isinstance(found, Mended) else found) == (cents, sign)
    assert isinstance(found, Mended) == ("," in str(value))


@pytest.mark.parametrize("value", ["0", "0.00", "$0", 0, 0.0, "0.004"])
def test_zero_is_no_price_of_a_range(value: Any) -> None:
    assert read_price(value) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [("12,50", "decimal point"), ("1,2345", "decimal point"), ("-5", "decimal point"), ("free", "decimal point"),
     (".", "decimal point"), ("$", "decimal point"), ("€5 USD", "two currencies"), (-1.0, "below 0"),
     ("1.2E+3", "rounded"), (True, "not a number"), (float("inf"), "not a number"),
     ("21474836.48", "is above 21,474,836.47")],
)  # fmt: skip
def test_what_is_no_price_of_a_range_is_refused(value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_price(value)


@pytest.mark.parametrize(
    ("value", "count"), [("4222.0", 4222), ("1,330", Mended(1330, THOUSANDS)), (12.0, 12), ("0", 0), (7, 7)]
)
def test_a_count_is_whole(value: Any, count: Any) -> None:
    assert read_count(value) == count


@pytest.mark.parametrize("value", ["2.5", "-1", "many", "3000000000", "1E+3"])
def test_what_is_no_count_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"whole number|is above|rounded"):
        read_count(value)


def marks(*values: str) -> str | None:
    found = DecimalMarks("price")
    found.add([None, 3, *values], range(len(values) + 2))
    return found.refusal()


@pytest.mark.parametrize(
    "values",
    [("85", "1,250"), ("85.5", "1.250"), ("1.250", "2.0"), ("1,250.00", "1.250"), ("0.125", "467.123"),
     ("12,50", "85"), ("12,50", "85.5", "1.250"), ("85", "1250"), ("$1.250", "$85.50")],
)  # fmt: skip
def test_numbers_that_the_file_shows_to_be_one_are_read(values: tuple[str, ...]) -> None:
    assert marks(*values) is None


@pytest.mark.parametrize(
    "values", [("85", "1.250"), ("1.250", "12,50"), ("1,250", "12,50"), ("1.250", "9.5", "12,5", "13,5", "14,5"),
               ("1.250.000", "467,123"), ("$1.250", "$85")]
)  # fmt: skip
def test_a_number_that_is_two_numbers_refuses_the_file_with_its_line(values: tuple[str, ...]) -> None:
    said = marks(*values)
    assert said is not None
    assert "line " in said
    assert "are two numbers" in said
