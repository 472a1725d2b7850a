"""How times are read: ISO, or in the formats that are said, and never by a guess."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from tickettape.imports.times import TimeColumn, TimeReading, TimeStyles, check_format, read_times

CHICAGO = ZoneInfo("America/Chicago")
NOON = datetime(2021, 10, 5, 17, 0, tzinfo=UTC)


def read(value: Any, *formats: str, zone: Any = CHICAGO) -> Any:
    """The instant, or why there is none."""
    ((found,), _) = read_times([value], TimeReading(formats, zone))
    return str(found) if isinstance(found, ValueError) else datetime.fromtimestamp(found / 1e6, UTC)


@pytest.mark.parametrize(
    ("value", "formats"),
    [
        ("2021-10-05T12:00", ()),
        ("2021-10-05 17:00Z", ()),
        (datetime(2021, 10, 5, 12), ()),  # noqa: DTZ001  as Parquet has it
        (datetime(2021, 10, 5, 12), ("%d.%m.%Y",)),  # noqa: DTZ001
        ("10/5/21 12:00", ("%m/%d/%y %H:%M",)),
        ("10/05/2021 12:00 PM", ("%m/%d/%Y %I:%M %p",)),
        ("5 Oct 2021 12:00", ("%m/%d/%y %H:%M", "%d %b %Y %H:%M")),
        ("2021-10-05T17:00:00+0000", ("%Y-%m-%dT%H:%M:%S%z",)),
        ("2021-10-05T12:00", ("%m/%d/%y %H:%M", "ISO")),
    ],
)
def test_a_time_is_read_as_it_is_written(value: Any, formats: tuple[str, ...]) -> None:
    assert read(value, *formats) == NOON


@pytest.mark.parametrize(
    ("value", "formats", "said"),
    [
        ("10/5/21 12:00", (), "is not an ISO time"),
        ("2021-10-05T12:00", ("%m/%d/%y %H:%M",), "does not match %m/%d/%y %H:%M"),
        ("10/5/21 12:00 h", ("%m/%d/%y %H:%M",), "does not match"),
        ("2/30/21 12:00", ("%m/%d/%y %H:%M",), "does not match"),
        ("3/4/21", ("%m/%d/%y", "%d/%m/%y"), "means different times in the formats %m/%d/%y and %d/%m/%y"),
        ("3/14/21 2:30", ("%m/%d/%y %H:%M",), "because the clocks change then"),
        ("11/7/21 1:30", ("%m/%d/%y %H:%M",), "because the clocks change then"),
        ("2021-11-07T01:30", (), "because the clocks change then"),
        (17, ("%m/%d/%y",), "is no time"),
    ],
)
def test_what_is_no_single_time_is_refused(value: Any, formats: tuple[str, ...], said: str) -> None:
    assert said in read(value, *formats)


def test_without_a_zone_a_format_must_name_one() -> None:
    assert "has no time zone" in read("10/5/21 12:00", "%m/%d/%y %H:%M", zone=None)
    assert read("10/5/21 17:00 +0000", "%m/%d/%y %H:%M %z", zone=None) == NOON


def test_the_default_is_iso_whatever_the_file_is() -> None:
    column = TimeColumn(None, 1, "2021-10-05T17:00Z", TimeReading(("%m/%d/%y",), CHICAGO))
    assert column.numbers().tolist() == [NOON.timestamp() * 1e6]


def test_what_was_seen_lies_between_2000_and_now() -> None:
    values = pa.array(["2021-10-05T17:00Z", "2021-10-05T17:01Z", "1999-01-01T00:00Z"])
    column = TimeColumn(values, 3, None, TimeReading(), NOON)
    assert [reason and reason.split(" ", 1)[1] for reason in column.reasons[:3]] == [
        None,
        "is in the future",
        "is before 2000",
    ]


def styles(*texts: str, formats: tuple[str, ...] = ()) -> TimeStyles:
    found = TimeStyles()
    for first in range(0, len(texts), 4):  # in batches
        some = texts[first : first + 4]
        column = TimeColumn(pa.array(some), len(some), None, TimeReading(formats, CHICAGO))
        found.add(column.styles("time", np.arange(first + 2, first + 2 + len(some))))
    return found


ISO_TIMES = ["2021-10-05 12:00", "2021-10-06 12:00", "2021-10-07 12:00", "2021-10-08 12:00"]
OTHERS = ["10/5/21 12:00", "10/6/21 1:00", "10/17/21 12:00"]


def test_two_styles_are_told_with_the_first_three_lines_of_each() -> None:
    said = styles(*ISO_TIMES, *OTHERS, *OTHERS).mixed()
    assert said is not None
    assert "read as ISO, 4 rows: line 2: 2021-10-05 12:00; line 3: 2021-10-06 12:00; line 4: 2021-10-07 12:00\n" in said
    assert "not read, 6 rows: line 6: 10/5/21 12:00; line 7: 10/6/21 1:00; line 8: 10/17/21 12:00\n" in said
    assert styles(*ISO_TIMES, *OTHERS, formats=("ISO", "%m/%d/%y %H:%M")).mixed() is None


@pytest.mark.parametrize(
    "odd", [["yesterday"] * 5, ["2021-02-30 12:00"] * 5, OTHERS[:2], ["2021-11-07 01:30"] * 5, ["12"] * 5]
)
def test_errors_are_no_style(odd: list[str]) -> None:
    assert styles(*ISO_TIMES, *odd).mixed() is None


def test_how_many_each_format_read_is_said() -> None:
    assert styles(*ISO_TIMES).said() == []
    assert styles(*ISO_TIMES, *OTHERS, formats=("ISO", "%m/%d/%y %H:%M")).said() == [
        "time: 4 rows read as ISO.",
        "time: 3 rows read as %m/%d/%y %H:%M.",
    ]


@pytest.mark.parametrize("text", ["%Q", "MM/DD/YY", ""])
def test_what_is_no_format_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"directive|no part of a time"):
        check_format(text)
