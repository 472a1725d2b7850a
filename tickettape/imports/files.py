"""CSV and Parquet files in batches of bounded memory, each row with its place in the file."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

ROWS_A_BATCH = 65_536
BYTES_A_BLOCK = 8 * 2**20  # of CSV: some 100,000 rows
DELIMITERS = ",;\t|"


class FileError(Exception):
    """A file that cannot be read. The message says which and why."""


@dataclass(frozen=True)
class MalformedRecord:
    """A record of a CSV file with too few or too many values."""

    line: int
    text: str
    found: int
    expected: int


@dataclass(frozen=True)
class FileBatch:
    """Some rows of a file by our column names, and where they are.

    `lines`: the header is line 1 of a CSV file; a row with line breaks in quotes counts once, as in a
    spreadsheet. In Parquet they are row numbers from 1. `share`: how much of the file is read, 0 to 1.
    """

    lines: "np.ndarray[Any, np.dtype[np.int64]]"
    columns: Mapping[str, pa.Array]
    share: float
    malformed: list[MalformedRecord] = field(default_factory=list)


def file_columns(path: Path) -> list[str]:
    """The file's column names. Raises FileError where it cannot be read."""
    try:
        if _is_parquet(path):
            return list(pq.read_schema(path).names)
        header, delimiter = _header(path)
        return list(
            pa_csv.read_csv(io.BytesIO(header), parse_options=pa_csv.ParseOptions(delimiter=delimiter)).column_names
        )
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise FileError(f"{path} cannot be read: {error}") from error


def read_batches(path: Path, mapping: Mapping[str, str]) -> Iterator[FileBatch]:
    """The mapped columns of a file (our name -> its name), in order. Raises FileError where it cannot be read on."""
    try:
        yield from _parquet(path, mapping) if _is_parquet(path) else _csv(path, mapping)
    except (OSError, pa.ArrowException) as error:
        raise FileError(f"{path} cannot be read on: {error}. Text must be UTF-8.") from error


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _parquet(path: Path, mapping: Mapping[str, str]) -> Iterator[FileBatch]:
    with pq.ParquetFile(path) as file:
        total, done = file.metadata.num_rows, 0
        for batch in file.iter_batches(ROWS_A_BATCH, columns=sorted({*mapping.values()})):
            lines = np.arange(done + 1, done + 1 + batch.num_rows, dtype=np.int64)
            done += batch.num_rows
            yield FileBatch(lines, {name: batch.column(column) for name, column in mapping.items()}, done / total)


def _csv(path: Path, mapping: Mapping[str, str]) -> Iterator[FileBatch]:
    wrong: list[MalformedRecord] = []

    def skip(row: Any) -> str:
        if row.text.strip():
            wrong.append(MalformedRecord(row.number, row.text, row.actual_columns, row.expected_columns))
        skipped.append(row.number)
        return "skip"

    skipped: list[int] = []
    size = max(path.stat().st_size, 1)
    with pa.OSFile(str(path)) as raw, _unpacked(raw, path) as stream:
        reader = pa_csv.open_csv(
            stream,
            # one thread: only then are records numbered
            read_options=pa_csv.ReadOptions(use_threads=False, block_size=BYTES_A_BLOCK),
            parse_options=pa_csv.ParseOptions(
                delimiter=_header(path)[1], newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=skip
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(mapping.values(), pa.string()),
                include_columns=sorted({*mapping.values()}),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
        line = 2
        for batch in reader:
            # the lines that follow, without those that were skipped
            lines = np.setdiff1d(np.arange(line, line + batch.num_rows + len(skipped)), skipped)[: batch.num_rows]
            line = int(lines[-1]) + 1 if len(lines) else line
            skipped[:] = [number for number in skipped if number >= line]
            malformed, wrong[:] = list(wrong), []
            columns = {name: batch.column(column) for name, column in mapping.items()}
            yield FileBatch(lines, columns, min(raw.tell() / size, 1.0), malformed)
        if wrong:
            yield FileBatch(np.empty(0, np.int64), {name: pa.array([], pa.string()) for name in mapping}, 1.0, wrong)


def _unpacked(raw: pa.NativeFile, path: Path) -> pa.NativeFile:
    compression = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}.get(path.suffix.lower())
    return pa.CompressedInputStream(raw, compression) if compression else raw


def _header(path: Path) -> tuple[bytes, str]:
    with pa.OSFile(str(path)) as raw, _unpacked(raw, path) as stream:
        header = stream.read(2**16).split(b"\n", 1)[0]
    text = header.decode("utf-8-sig")
    return header + b"\n", max(DELIMITERS, key=text.count)
