"""Batches of a file: each row with its line, columns by our names."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.file_rows import rows
from tickettape.imports import files
from tickettape.imports.files import open_file, read_batches
from tickettape.imports.mapping import MappingError, resolve_columns
from tickettape.imports.text_files import FileError


def test_empty_lines_keep_their_number_and_hold_nothing(tmp_path: Path) -> None:
    found = rows(tmp_path / "mine.csv", "\ufeff\r\nevent,price\r\n\r\n1,9.5\n\r\n2,8\r")
    assert [one for one in found if one[1] is not None] == [(4, "1", "9.5"), (6, "2", "8")]


def test_columns_without_a_name_have_their_place_and_doubled_ones_cost_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(",city,event,city,price\n0,a,1,b,9.5\n")
    names = open_file(path).names
    assert names == ("column 1", "city", "event", "city", "price")
    found = resolve_columns(names, {"zone": "column 1"}, {}, required=["event"])
    assert found == {"zone": ("column 1",), "event": ("event",), "price": ("price",)}
    for mapped, required in (({"venue": "city"}, ()), ({}, ["city"])):
        with pytest.raises(MappingError, match="more than one column city"):
            resolve_columns(names, mapped, {}, required=required)


def test_the_same_rows_come_from_parquet_with_their_numbers_in_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "ROWS_A_BATCH", 2)
    pq.write_table(pa.table({"event": ["a", "b", "c"], "price": ["1", "2", "3"]}), tmp_path / "file")
    batches = list(read_batches(open_file(tmp_path / "file"), {"event": ("event",), "both": ("event", "price")}))
    assert [batch.lines.tolist() for batch in batches] == [[1, 2], [3]]
    assert [batch.columns["both"].to_pylist() for batch in batches] == [["a 1", "b 2"], ["c 3"]]
    assert [batch.share for batch in batches] == [2 / 3, 1]


def test_a_row_with_too_few_values_is_told_with_its_line_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("event,price\na,1\nb\nc,3\n")
    (batch,) = read_batches(open_file(tmp_path / "file"), {"event": ("event",), "price": ("price",)})
    assert dict(zip(batch.lines.tolist(), batch.columns["price"].to_pylist(), strict=True)) == {2: "1", 4: "3"}
    assert [(one.line, one.found, one.expected) for one in batch.malformed] == [(3, 1, 2)]


def test_what_is_no_file_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="nowhere cannot be read"):
        open_file(tmp_path / "nowhere")
    (tmp_path / "cut").write_bytes(b"PAR1 and no more")
    with pytest.raises(FileError, match="cut cannot be read"):
        open_file(tmp_path / "cut")
