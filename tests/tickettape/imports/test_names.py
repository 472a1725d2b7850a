"""Ids and names that a spreadsheet or a library has made something else of."""

from collections.abc import Callable
from typing import Any

import pytest

from tickettape.imports.columns import Mended
from tickettape.imports.names import WHOLE_FLOAT, GuessedText, LongIds, read_id, read_name


@pytest.mark.parametrize("reader", [read_id, read_name])
@pytest.mark.parametrize(
    ("value", "expected"),
    [("5990417", "5990417"), (5990417, "5990417"), ("5990417.0", Mended("5990417", WHOLE_FLOAT)),
     (5990417.0, Mended("5990417", WHOLE_FLOAT)), ("101.00", Mended("101", WHOLE_FLOAT)), ("101.5", "101.5"),
     ("1E", "1E"), ("2E10", "2E10"), ("May", "May"), ("Row 1-2", "Row 1-2"), ("O'Brien's", "O'Brien's"), ("'", "'"),
     ("AC\\DC", "AC\\DC"), ("9007199254740993", "9007199254740993")],
)  # fmt: skip
def test_what_can_be_read_only_one_way_is_read(reader: Callable[[Any, str], Any], value: Any, expected: Any) -> None:
    assert reader(value, "zone") == expected


@pytest.mark.parametrize("reader", [read_id, read_name])
@pytest.mark.parametrize(
    ("value", "said"),
    [("1.71E+10", "digits were lost"), ("1,71E+10", "digits were lost"), ("1.71e+16", "digits were lost"),
     (1.71e16, "digits were lost"), ("5E+16", "digits were lost"), ("1.7100000001E10", "digits were lost"),
     ("9007199254740992.0", "digits were lost"), (9007199254740994.0, "digits were lost"), ("2-Jan", "is a date"),
     ("Mar-04", "is a date"), ("101,0", "marks"), ("7.000", "marks"),
     ("'Lower'", "single quotes"), ('Upper \\"A\\"', "backslash"), ("Lower\\", "backslash"),
     ("x" * 256, "longer than 255")],
)  # fmt: skip
def test_what_was_damaged_is_refused(reader: Callable[[Any, str], Any], value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        reader(value, "zone")


def test_an_id_has_no_marks_of_thousands_or_decimals_but_a_name_may() -> None:
    for value in ("5,990,417", "5,990,417.0", "5.990.417", "5.990.417,0", "17100000001,000", "1,2"):
        with pytest.raises(ValueError, match="marks in it, of thousands or decimals"):
            read_id(value, "event")
    assert read_name("101,102", "section") == "101,102"


def test_long_ids_that_all_end_in_zeros_were_rounded_by_a_spreadsheet() -> None:
    rounded = ["1234567890123450000", "1234567890123460000", None, "7"]
    found = LongIds()
    found.add("listing", rounded, [2, 3, 4, 5])
    said = found.refusal()
    assert said is not None
    assert "line 2: 1234567890123450000; line 3: 1234567890123460000" in said
    found.add("listing", ["1234567890123456789"], [6])  # a sound one: they are kept as text
    assert found.refusal() is None
    alone = LongIds()
    alone.add("event", ["1234567890123450000"], [2])
    assert alone.refusal() is None


def test_names_in_a_guessed_encoding_are_refused_with_what_to_say() -> None:
    for guessed, value, refused in (("cp1252", "Tribüne", True), ("cp1252", "Floor", False), (None, "Tribüne", False)):
        found = GuessedText(guessed)
        found.add("zone", [None, value], [2, 3])
        said = found.refusal()
        assert (said is not None) == refused
        assert said is None or ("line 3: zone Tribüne" in said and "--encoding cp1252" in said)
