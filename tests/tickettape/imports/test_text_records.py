"""Records are parted strictly: rows are never swallowed, and a row's length is no reason to lose it."""

from pathlib import Path

import pytest

from tests.support.file_rows import rows
from tickettape.imports.files import open_file, read_batches
from tickettape.imports.text_files import FileError

HEADER = "event,price,note\n"
BOTH = {"event": ("event",), "note": ("note",)}


@pytest.mark.parametrize(
    ("bad", "line"),
    [
        ('5,"9,x\n' + "6,8,y\n" * 3, 4),  # to the end of the file
        ('5,"9,x\n' + "6,8,y\n" * 40_000, 4),  # far
        ('5,"9,x\n6,"8",y\n', 4),  # to the next quote, where the row has its three values again
        ('5,9,"x\n6,8,y\n7,7,3"\n', 4),  # in a column that nobody reads, well closed by an inch
        ('"5,9,x\n6,8,y\n7,7,3"\n', 4),
    ],
)
def test_a_quote_that_takes_in_rows_refuses_the_file_with_its_line(tmp_path: Path, bad: str, line: int) -> None:
    for ends in ("\n", "\r\n", "\r"):
        with pytest.raises(FileError, match=f"line {line} .*a quote opens a value there and takes in the rows after"):
            rows(tmp_path / "mine.csv", (HEADER + "1,9,a\n2,9,a\n" + bad).replace("\n", ends))


def test_line_breaks_in_quotes_are_read_as_they_are_and_count_once(tmp_path: Path) -> None:
    text = HEADER + '1,9,"two\nlines, and more, of text"\n2,8,""\n'
    assert rows(tmp_path / "mine.csv", text, **BOTH) == [(2, "1", "two\nlines, and more, of text"), (3, "2", "")]


def test_a_quote_in_the_wrong_place_costs_its_own_row(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(HEADER + '1,9,"12" riser"\n2,8,12" riser\n3,7, "a, b"\n')
    (batch,) = read_batches(open_file(path), BOTH)
    assert [(one.line, one.reason) for one in batch.malformed] == [(2, "has a quote in the wrong place")]
    assert batch.malformed[0].text == '1,9,"12" riser"\n'
    assert batch.columns["note"].to_pylist() == ['12" riser', "a, b"]


def test_rows_short_or_long_by_blanks_are_as_long_as_the_header_and_others_are_told(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(HEADER + "1,9,a,, \n2,8\n3\n\n , ,\n4,7,b,c\n5\\,x,6,\n'5,x',6,\n6,5")
    (batch,) = read_batches(open_file(path), BOTH)
    assert dict(zip(batch.lines.tolist(), batch.columns["event"].to_pylist(), strict=True)) == {
        2: "1", 3: "2", 4: "3", 6: "",
    }  # fmt: skip
    assert [line for _, line in batch.repaired] == [3, 4]
    assert [(one.line, one.reason) for one in batch.malformed] == [
        (7, "has 4 values, but the header has 3"),
        (8, "has 4 values, but the header has 3"),  # a comma that was meant: nothing says where
        (9, "has 4 values, but the header has 3"),
        (10, "is cut off: the file ends within it"),
    ]


def test_a_last_row_that_is_cut_off_within_quotes_costs_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(HEADER + '1,9,a\n2,9,"b')
    (batch,) = read_batches(open_file(path), BOTH)
    assert batch.columns["event"].to_pylist() == ["1"]
    assert [(one.line, one.reason) for one in batch.malformed] == [(3, "is cut off: the file ends within it")]


def test_the_header_once_more_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(HEADER + "1,9,a\n" + HEADER + "2,8,b\n")
    (batch,) = read_batches(open_file(path), BOTH)
    assert batch.columns["event"].to_pylist() == ["1", "2"]
    assert batch.repaired == [("rows are the header once more: left out", 3)]


def test_files_with_carriage_returns_alone_are_read_however_long(tmp_path: Path) -> None:
    found = rows(tmp_path / "mine.csv", HEADER.replace("\n", "\r") + "1,9,a\r" * 30_000)
    assert len(found) == 30_000
    assert found[-1] == (30_001, "1", "9")
