"""Batches of a file: each row with its line, columns by our names."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.file_rows import rows
from tickettape.imports import files
from tickettape.imports.columns import DistinctColumn
from tickettape.imports.files import open_file, read_batches
from tickettape.imports.judge_rows import judge_rows
from tickettape.imports.judged import ReadingRules
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


def test_a_row_with_too_few_values_lacks_the_last_and_one_with_too_many_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("event,price\na,1\nb\nc,3\nd,4,5\n")
    (batch,) = read_batches(open_file(tmp_path / "file"), {"event": ("event",), "price": ("price",)})
    assert dict(zip(batch.lines.tolist(), batch.columns["price"].to_pylist(), strict=True)) == {2: "1", 3: "", 4: "3"}
    assert [(one.line, one.reason) for one in batch.malformed] == [(5, "has 3 values, but the header has 2")]


ZONES = ["Lower", "Upper", None]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([b"Lower", b"Upper", None]),
        pa.array([b"Lower", b"Upper", None], pa.large_binary()),
        pa.array([b"Lower", b"Upper", None], pa.binary(5)),
        pa.array(ZONES, pa.large_string()),
        pa.array(ZONES, pa.string_view()),
        pa.array([b"Lower", b"Upper", None], pa.binary_view()),
        pa.array(ZONES).dictionary_encode(),
        pa.array([b"Lower", b"Upper", None]).dictionary_encode(),
    ],
    ids=lambda values: str(values.type),
)
def test_text_of_every_parquet_type_is_text(tmp_path: Path, values: pa.Array) -> None:
    pq.write_table(pa.table({"zone": values}), tmp_path / "file", store_schema=False)
    assert parquet_zones(tmp_path / "file") == ZONES
    pq.write_table(pa.table({"zone": values}), tmp_path / "file")
    assert parquet_zones(tmp_path / "file") == ZONES


def parquet_zones(path: Path, ours: str = "zone") -> list[str | None]:
    (batch,) = read_batches(open_file(path), {ours: ("zone",)})
    column = DistinctColumn(batch.columns[ours], len(batch.lines), None, lambda texts: texts)
    return list(column.objects())


@pytest.mark.parametrize(
    "values",
    [
        pa.array([None], pa.null()),
        pa.array([True]),
        pa.array([1], pa.uint64()),
        pa.array([np.float16(1)]),
        pa.array([1], pa.float32()),
        pa.array([Decimal("1.5")], pa.decimal128(9, 2)),
        pa.array([Decimal("1.5")], pa.decimal256(50, 2)),
        pa.array([date(2026, 1, 2)], pa.date32()),
        pa.array([date(2026, 1, 2)], pa.date64()),
        pa.array([time(1, 2)], pa.time32("s")),
        pa.array([time(1, 2)], pa.time64("ns")),
        pa.array([datetime(2026, 1, 2, tzinfo=UTC)], pa.timestamp("ns", "America/New_York")),
        pa.array([timedelta(1)], pa.duration("us")),
    ],
    ids=lambda values: str(values.type),
)
def test_no_parquet_type_is_a_traceback_or_a_listing(tmp_path: Path, values: pa.Array) -> None:
    pq.write_table(pa.table({"zone": values}), tmp_path / "file")
    columns = dict.fromkeys(("event", "time", "zone", "price", "quantity", "buyable", "sold_out"), ("zone",))
    (batch,) = read_batches(open_file(tmp_path / "file"), columns)
    assert judge_rows(batch, ReadingRules(datetime(2026, 11, 21, tzinfo=UTC))).rows.empty


def test_a_list_is_what_may_be_bought_and_nothing_else(tmp_path: Path) -> None:
    pq.write_table(pa.table({"zone": [[1, 2], None, []]}), tmp_path / "file")
    assert parquet_zones(tmp_path / "file", "buyable") == ["1,2", None, None]
    with pytest.raises(FileError, match="column zone holds list<element: int64>, which is no single value"):
        parquet_zones(tmp_path / "file")
    pq.write_table(pa.table({"zone": [b"\xff"]}), tmp_path / "file")
    with pytest.raises(FileError, match="Invalid UTF8"):
        parquet_zones(tmp_path / "file")


def test_a_time_beyond_what_a_calendar_knows_is_missing(tmp_path: Path) -> None:
    for unit in ("ms", "us"):
        times = pa.array([2**60, -(2**60), 1_763_640_000], pa.int64()).view(pa.timestamp(unit))
        pq.write_table(pa.table({"zone": times}), tmp_path / "file")
        assert [one is None for one in parquet_zones(tmp_path / "file")] == [True, True, False]


def test_what_is_no_file_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="nowhere cannot be read"):
        open_file(tmp_path / "nowhere")
    (tmp_path / "cut").write_bytes(b"PAR1 and no more")
    with pytest.raises(FileError, match="cut cannot be read"):
        open_file(tmp_path / "cut")
