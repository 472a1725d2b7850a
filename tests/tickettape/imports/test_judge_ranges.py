"""How each row of price ranges is judged: what is a price, a count, nothing, and what is refused with which reason."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tickettape.imports.files import FileBatch
from tickettape.imports.judge_ranges import judge_ranges, read_count, read_price
from tickettape.imports.judged import JudgedRows, ReadingRules

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROW = {"event": "1", "time": "2026-11-20T12:00:00Z", "lowest_price": "10.50", "average_price": "20", "listings": "3"}


def judged(*rows: Mapping[str, Any], **reading: Any) -> JudgedRows:
    columns = {name: pa.array([row.get(name) for row in rows]) for name in {*ROW, *(n for row in rows for n in row)}}
    lines = np.arange(2, 2 + len(rows), dtype=np.int64)
    return judge_ranges(FileBatch(lines, columns, 1.0), ReadingRules(NOW, **reading))


@pytest.mark.parametrize(
    ("value", "cents", "sign"),
    [("220.35", 22035, None), ("220.345", 22035, None), ("220.344999", 22034, None), ("1,220.5", 122050, None),
     ("$220", 22000, "$"), ("US$ 1,234,567.89", 123456789, "USD"), ("€9.50", 950, "EUR"), ("12 EUR", 1200, "EUR"),
     (".5", 50, None), ("10,858,935", 1085893500, None), (220.345, 22035, None), (19, 1900, None),
     (np.float32(0.5), 50, None), (Decimal("1.005"), 101, None)],
)  # fmt: skip
def test_a_price_is_cents_rounded_half_up(value: Any, cents: int, sign: str | None) -> None:
    assert read_price(value) == (cents, sign)


@pytest.mark.parametrize("value", ["0", "0.00", "$0", 0, 0.0, "0.004"])
def test_zero_is_no_price(value: Any) -> None:
    assert read_price(value) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [("12,50", "decimal point"), ("1,2345", "decimal point"), ("-5", "decimal point"), ("free", "decimal point"),
     (".", "decimal point"), ("$", "decimal point"), ("€5 USD", "two currencies"), (-1.0, "below 0"),
     (True, "not a number"), (float("inf"), "not a number"), ("21474836.48", "is above 21,474,836.47")],
)  # fmt: skip
def test_what_is_no_price_is_refused(value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_price(value)


@pytest.mark.parametrize(("value", "count"), [("4222.0", 4222), ("1,330", 1330), (12.0, 12), ("0", 0), (7, 7)])
def test_a_count_is_whole(value: Any, count: int) -> None:
    assert read_count(value) == count


@pytest.mark.parametrize("value", ["2.5", "-1", "many", "3000000000"])
def test_what_is_no_count_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"whole number|is above"):
        read_count(value)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"event": "NA"}, "event is missing"),
        ({"time": None}, "time is missing"),
        ({"lowest_price": "20.01"}, "lowest_price '20.01' is above average_price '20.00'"),
        ({"highest_price": "19.99"}, "average_price '20.00' is above highest_price '19.99'"),
        ({"average_price": None, "highest_price": "10"}, "lowest_price '10.50' is above highest_price '10.00'"),
        ({"market": "black"}, "market 'black' is not resale or primary"),
        ({"price_basis": "net"}, "price_basis 'net' is not before_fees or all_in or unknown"),
        ({"currency": "dollars"}, "currency 'dollars' is not a currency"),
        ({"currency": "USD", "lowest_price": "€5"}, "lowest_price is in EUR where the row is in USD"),
        ({"currency": "EUR", "lowest_price": "$5"}, "lowest_price is in $ where the row is in EUR"),
        ({"listings": "few"}, "listings 'few' is not a whole number"),
    ],
)
def test_a_bad_row_is_refused_with_the_reason(changed: dict[str, Any], said: str) -> None:
    found = judged(ROW, ROW | changed)
    assert [said in one.reason for one in found.refusals] == [True]
    assert found.rows["line"].tolist() == [2]


@pytest.mark.parametrize("nothing", ["", "NA", "N/A", "null", "NaN", "None", None])
def test_what_stands_for_nothing_is_missing(nothing: str | None) -> None:
    found = judged(ROW | {"average_price": nothing, "currency": nothing, "event_name": nothing}, ROW)
    assert found.refusals == []
    assert found.rows["average_price"].tolist() == [-1, 2000]
    assert found.events == {"1": {}}


def test_a_row_without_price_and_count_holds_nothing_and_is_no_refusal() -> None:
    found = judged(ROW, ROW | {"lowest_price": "0", "average_price": "NA", "listings": ""})
    assert (found.nothing, len(found.rows), found.refusals) == (1, 1, [])


def test_market_and_basis_have_defaults_which_the_row_and_the_person_overrule() -> None:
    rows = judged(ROW, ROW | {"market": "Primary", "price_basis": "all in"}).rows
    assert rows["market"].tolist() == ["resale", "primary"]
    assert rows["price_basis"].tolist() == ["unknown", "all_in"]
    assert judged(ROW, defaults={"market": "primary"}).rows["market"].tolist() == ["primary"]


def test_a_sign_says_the_currency_where_nobody_else_does() -> None:
    rows = judged(ROW, ROW | {"lowest_price": "£5"}, ROW | {"lowest_price": "$5", "currency": "CAD"}).rows
    assert rows["currency"].tolist() == [None, "GBP", "CAD"]
