"""How each row of price ranges is judged: what is a price, a count, nothing, and what is refused with which reason."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tickettape.imports.files import FileBatch
from tickettape.imports.judge_ranges import judge_ranges
from tickettape.imports.judged import JudgedRows, ReadingRules

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROW = {"event": "1", "time": "2026-11-20T12:00:00Z", "lowest_price": "10.50", "average_price": "20", "listings": "3"}


def judged(*rows: Mapping[str, Any], **reading: Any) -> JudgedRows:
    columns = {name: pa.array([row.get(name) for row in rows]) for name in {*ROW, *(n for row in rows for n in row)}}
    lines = np.arange(2, 2 + len(rows), dtype=np.int64)
    return judge_ranges(FileBatch(lines, columns, 1.0), ReadingRules(NOW, **reading))


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
    assert found.events == {}


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


def test_what_is_sold_out_has_no_price_and_its_counts_stay() -> None:
    found = judged(ROW, ROW | {"sold_out": "True"}, ROW | {"sold_out": "True", "listings": None})
    assert found.rows["lowest_price"].tolist() == [1050, -1]
    assert found.rows["listings"].tolist() == [3, 3]
    assert found.nothing == 1
