"""How each row of a file is judged: what is a price, a time, a quantity, and what is refused with which reason."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.judged_rows import ROW, judged
from tickettape.imports.judge_rows import read_buyable


def reason(**changed: Any) -> str | None:
    refusals = judged(ROW | changed).refusals
    return refusals[0].reason if refusals else None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"event": None}, "event is missing"),
        ({"event": "x" * 256}, "is longer than 255"),
        ({"zone": " "}, "zone is missing"),
        ({"section": ""}, "section is missing"),
        ({"price": None}, "price is missing"),
        ({"price": "abc"}, "price 'abc' is not a number with at most two decimals"),
        ({"quantity": None}, "quantity is missing"),
        ({"quantity": "2.5"}, "whole number"),
        ({"quantity": "-1"}, "whole number"),
        ({"quantity": "10000"}, "whole number"),
        ({"time": "yesterday"}, "is not an ISO time"),
        ({"time": "2026-02-30T12:00Z"}, "is not an ISO time"),
        ({"time": "2026-11-20T12:00:00"}, "has no time zone: add --time-zone"),
        ({"time": "2026-11-21T12:00:01Z"}, "is in the future"),
        ({"time": "1970-01-01T00:00:00Z"}, "is before 2000"),
        ({"currency": "euros"}, "'euros' is not a currency: write three letters"),
        ({"buyable": "some"}, "is neither numbers"),
        ({"all_in_price": "0"}, "all_in_price '0' is not above 0"),
        ({"listing": "1.71E+10"}, "listing '1.71E+10' is a number of which digits were lost"),
        ({"event": "5,990,417"}, "event '5,990,417' is a number with marks"),
        ({"zone": "#REF!"}, "zone is missing"),
        ({"section": "########"}, "section is missing"),
        ({"zone": "nan"}, "zone is missing"),
        ({"zone": "<NA>"}, "zone is missing"),
        ({"quantity": "1E+1"}, "rounded"),
        ({"event_date": "soon"}, "event_date 'soon' is not an ISO time"),
    ],
)
def test_a_bad_row_is_refused_with_the_reason(changed: dict[str, Any], said: str) -> None:
    found = reason(**changed)
    assert found
    assert said in found


def test_a_quantity_of_zero_is_an_observation_that_needs_neither_price_nor_zone() -> None:
    found = judged(ROW | {"quantity": "0", "price": None, "zone": None, "section": None})
    assert found.refusals == []
    assert found.rows["quantity"].tolist() == [0]


@pytest.mark.parametrize(
    ("quantity", "buyable", "sizes"),
    [(4, None, {4}), (3, None, set()), (2, None, {2}), (4, "any", {1, 2, 4}), (3, "any", {1, 2}), (4, "whole", {4}),
     (4, "2, 4", {2, 4}), (3, "1,2,4", {1, 2}), (2, "4", {2})],
)  # fmt: skip
def test_a_listing_sells_what_is_stated_else_surely_only_the_whole(
    quantity: int, buyable: str | None, sizes: set[int]
) -> None:
    (bits,) = judged(ROW | {"quantity": str(quantity), "buyable": buyable}).rows["sells"]
    assert {size for size in (1, 2, 4) if bits & size} == sizes


@pytest.mark.parametrize(
    "said", ["1,2,4", "[1, 2, 4]", "[1 2 4]", "[1.0, 2.0, 4.0]", "{1, 2, 4}", "(1, 2, 4)", "1.0,2.0,4.0"]
)
def test_a_list_of_what_may_be_bought_is_read_as_libraries_write_it(said: str) -> None:
    assert read_buyable(said) == frozenset({1, 2, 4})
    assert read_buyable("[]") == "whole"


@pytest.mark.parametrize(
    "changed",
    [{"sold_out": "True"}, {"sold_out": "yes", "price": None, "zone": None}, {"sold_out": 1, "quantity": None},
     {"for_sale": "FALSE"}, {"for_sale": "0.0"}],
)  # fmt: skip
def test_what_is_marked_as_sold_out_is_not_for_sale(changed: dict[str, Any]) -> None:
    found = judged(ROW | changed)
    assert found.refusals == []
    assert found.rows["quantity"].tolist() == [0]
    assert [str(one) for one in found.changes] == [
        "1 rows are marked as sold out: nothing of them is for sale (line 2)."
    ]
    for changed in ({"sold_out": "f"}, {"for_sale": "Y"}, {"sold_out": None}):
        assert judged(ROW | changed).rows["quantity"].tolist() == [2]
    assert reason(sold_out="perhaps") == "sold_out 'perhaps' is neither true nor false"


def test_times_are_whole_seconds_or_rounded_down_to_the_grid_and_kept_exact_beside() -> None:
    row = ROW | {"time": "2026-11-20T07:19:59.999999-05:00"}
    exact, binned = judged(row).rows, judged(row, bin_seconds=600).rows
    assert exact["second"].tolist() == [datetime(2026, 11, 20, 12, 19, 59, tzinfo=UTC).timestamp()]
    assert binned["second"].tolist() == [datetime(2026, 11, 20, 12, 10, tzinfo=UTC).timestamp()]
    assert binned["observed"].tolist() == exact["observed"].tolist()
    assert exact["observed"][0] % 1_000_000 == 999_999


def test_a_local_time_is_read_in_its_zone_and_refused_where_clocks_change() -> None:
    zone = ZoneInfo("America/New_York")
    good = judged(ROW | {"time": "2026-07-01 08:00:00"}, time_zone=zone).rows
    assert good["second"].tolist() == [datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp()]
    for hour in ("2026-03-08 02:30:00", "2026-11-01 01:30:00"):
        (refused,) = judged(ROW | {"time": hour}, time_zone=zone).refusals
        assert "clocks change" in refused.reason


def test_typed_columns_mean_the_same_as_text() -> None:
    typed = judged(ROW | {"time": datetime(2026, 11, 20, 12, tzinfo=UTC), "price": 10.5, "quantity": 2, "event": 1})
    assert typed.rows.equals(judged(ROW).rows)


def test_defaults_fill_what_the_file_leaves_empty() -> None:
    found = judged(ROW | {"zone": None}, ROW, defaults={"zone": "Anywhere"})
    assert found.rows["zone"].tolist() == ["Anywhere", "Floor"]
