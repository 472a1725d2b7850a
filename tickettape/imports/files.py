"""CSV and Parquet files in batches of bounded memory, each row with its place in the file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from tickettape.imports.columns import MISSING
from tickettape.imports.text_files import FileError, TextLayout, text_layout, unpacked

ROWS_A_BATCH = 65_536
BYTES_A_BLOCK = 8 * 2**20  # of CSV: some 100,000 rows

Columns = Mapping[str, Sequence[str]]
"""Our name -> the file's columns that it is made of: their texts with a blank between them."""


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


@dataclass(frozen=True)
class SourceFile:
    """A file and how it is laid out; `layout` is None for Parquet."""

    path: Path
    names: Sequence[str]
    layout: TextLayout | None

    @property
    def note(self) -> str | None:
        """What a person should know of how it is read."""
        return self.layout.note if self.layout else None


def open_file(path: Path, encoding: str | None = None) -> SourceFile:
    """A file with its column names. Raises FileError where it cannot be read. `encoding`: None: found out."""
    try:
        if _is_parquet(path):
            return SourceFile(path, list(pq.read_schema(path).names), None)
        layout = text_layout(path, encoding)
    except (OSError, pa.ArrowException) as error:
        raise FileError(f"{path} cannot be read: {error}") from error
    except LookupError:
        raise FileError(f"{encoding!r} is not a known encoding. Write utf-8, cp1252, latin-1, …") from None
    return SourceFile(path, layout.names, layout)


def read_batches(file: SourceFile, mapping: Columns) -> Iterator[FileBatch]:
    """The mapped columns of a file, in order. Raises FileError where it cannot be read on."""
    try:
        yield from _parquet(file.path, mapping) if file.layout is None else _csv(file.path, file.layout, mapping)
    except (OSError, pa.ArrowException, UnicodeError) as error:
        read_as = f" The text was read as {file.layout.encoding}." if file.layout else ""
        raise FileError(f"Reading {file.path} failed: {error}.{read_as}") from error


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _parquet(path: Path, mapping: Columns) -> Iterator[FileBatch]:
    with pq.ParquetFile(path) as file:
        total, done = file.metadata.num_rows, 0
        wanted = sorted({column for columns in mapping.values() for column in columns})
        for batch in file.iter_batches(ROWS_A_BATCH, columns=wanted):
            lines = np.arange(done + 1, done + 1 + batch.num_rows, dtype=np.int64)
            done += batch.num_rows
            columns = {name: _joined([batch.column(column) for column in columns]) for name, columns in mapping.items()}
            yield FileBatch(lines, columns, done / total)


def _csv(path: Path, layout: TextLayout, mapping: Columns) -> Iterator[FileBatch]:
    wrong: list[MalformedRecord] = []

    def skip(row: Any) -> str:
        if row.text.strip():
            wrong.append(MalformedRecord(row.number, row.text, row.actual_columns, row.expected_columns))
        skipped.append(row.number)
        return "skip"

    skipped: list[int] = []
    size = max(path.stat().st_size, 1)
    # by their places: a name may be there twice
    places = {name: [str(layout.names.index(column)) for column in columns] for name, columns in mapping.items()}
    wanted = sorted({place for columns in places.values() for place in columns})
    with pa.OSFile(str(path)) as raw, unpacked(raw, path) as stream:
        reader = pa_csv.open_csv(
            stream,
            # one thread: only then are records numbered
            read_options=pa_csv.ReadOptions(
                use_threads=False,
                block_size=BYTES_A_BLOCK,
                encoding=layout.encoding,
                column_names=[str(place) for place in range(len(layout.names))],
                skip_rows_after_names=layout.header_lines,
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=layout.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()),
                include_columns=wanted,
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
        line = layout.header_lines + 1
        for batch in reader:
            # the lines that follow, without those that were skipped
            lines = np.setdiff1d(np.arange(line, line + batch.num_rows + len(skipped)), skipped)[: batch.num_rows]
            line = int(lines[-1]) + 1 if len(lines) else line
            skipped[:] = [number for number in skipped if number >= line]
            malformed, wrong[:] = list(wrong), []
            columns = {name: _joined([batch.column(place) for place in of_it]) for name, of_it in places.items()}
            yield FileBatch(lines, columns, min(raw.tell() / size, 1.0), malformed)
        if wrong:
            yield FileBatch(np.empty(0, np.int64), {name: pa.array([], pa.string()) for name in mapping}, 1.0, wrong)


def _joined(columns: Sequence[pa.Array]) -> pa.Array:
    """One column of several, a blank between their texts; null where one of them is missing."""
    if len(columns) == 1:
        return columns[0]
    texts = [pc.utf8_trim_whitespace(column.cast(pa.string())) for column in columns]
    missing = pa.array(MISSING)
    known = [pc.if_else(pc.is_in(pc.utf8_lower(text), missing), pa.scalar(None, pa.string()), text) for text in texts]
    return pc.binary_join_element_wise(*known, " ")
