"""Read CSV and Parquet files in batches, so that memory is bounded; each row has its line number."""

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tickettape.imports.columns import MISSING
from tickettape.imports.text_files import FileError, TextLayout, text_layout, unpacked
from tickettape.imports.text_records import RECORDS_A_CHUNK, MalformedRecord, read_records

ROWS_A_BATCH = 65_536
CHUNKS_A_BATCH = ROWS_A_BATCH // RECORDS_A_CHUNK
BYTES_AT_ONCE = 2**20

Columns = Mapping[str, Sequence[str]]
"""Our column name -> the file's columns for it. The texts of several are joined with a blank."""


@dataclass(frozen=True)
class FileBatch:
    """Some rows of a file, under our column names.

    `lines`: the line number of each row. In a CSV file the header is line 1, and a row with line breaks in quotes
    counts as one line, as in a spreadsheet. In Parquet they are row numbers from 1. `share`: how much of the file is
    read, 0 to 1.
    """

    lines: "np.ndarray[Any, np.dtype[np.int64]]"
    columns: Mapping[str, pa.Array]
    share: float
    malformed: list[MalformedRecord] = field(default_factory=list)
    repaired: list[tuple[str, int]] = field(default_factory=list)
    """The rows that were made as long as the header, or left out: what was done, and the line."""


@dataclass(frozen=True)
class SourceFile:
    """A file and its layout, which is None for Parquet."""

    path: Path
    names: Sequence[str]
    layout: TextLayout | None

    @property
    def note(self) -> str | None:
        """What a person should know about how the file is read."""
        return self.layout.note if self.layout else None

    @property
    def guessed_encoding(self) -> str | None:
        """The encoding, if it was only guessed; None if it is certain."""
        return self.layout.encoding if self.layout and self.layout.note else None


def open_file(path: Path, encoding: str | None = None) -> SourceFile:
    """A file with its column names. Raises FileError if it cannot be read. Without `encoding` it is detected."""
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
    """The mapped columns of a file, batch by batch, in order. Raises FileError if reading fails."""
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
        ours = {
            column: [name for name, columns in mapping.items() if column in columns]
            for column in sorted({column for columns in mapping.values() for column in columns})
        }
        for batch in file.iter_batches(ROWS_A_BATCH, columns=list(ours)):
            lines = np.arange(done + 1, done + 1 + batch.num_rows, dtype=np.int64)
            done += batch.num_rows
            plain = {column: _parquet_column(batch.column(column), column, names) for column, names in ours.items()}
            columns = {name: _joined([plain[column] for column in columns]) for name, columns in mapping.items()}
            yield FileBatch(lines, columns, done / total)


def _csv(path: Path, layout: TextLayout, mapping: Columns) -> Iterator[FileBatch]:
    size = max(path.stat().st_size, 1)
    # by position, because a name may occur twice
    places = {name: [layout.names.index(column) for column in columns] for name, columns in mapping.items()}
    wanted = sorted({place for of_it in places.values() for place in of_it})
    with pa.OSFile(str(path)) as raw, unpacked(raw, path) as stream:
        text = io.TextIOWrapper(io.BufferedReader(stream, BYTES_AT_ONCE), layout.encoding, newline="")
        records = read_records(text, layout, path.name)
        while True:
            chunks, parts = [], []
            for chunk in islice(records, CHUNKS_A_BATCH):
                columns = list(zip(*chunk.rows, strict=True)) or [()] * len(layout.names)
                parts.append([pa.array(columns[place], pa.string()) for place in wanted])
                chunks.append(chunk)
                chunk.rows = []  # arrays take a tenth of the memory
            if not chunks:
                return
            of_place = dict(zip(wanted, map(pa.concat_arrays, zip(*parts, strict=True)), strict=True))
            yield FileBatch(
                np.array([line for chunk in chunks for line in chunk.lines], np.int64),
                {name: _joined([of_place[place] for place in of_it]) for name, of_it in places.items()},
                min(raw.tell() / size, 1.0),
                [one for chunk in chunks for one in chunk.malformed],
                [one for chunk in chunks for one in chunk.repaired],
            )


def _parquet_column(column: pa.Array, name: str, ours: Collection[str]) -> pa.Array:
    """A column of simple values. Text that is stored as bytes becomes text, and so do lists of quantities (`buyable`).

    Raises FileError if the values are nested in another way.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _parquet_column(column.dictionary_decode(), name, ours)
    if isinstance(column, pa.ExtensionArray):
        return _parquet_column(column.storage, name, ours)
    if pa.types.is_fixed_size_binary(kind):
        column = column.cast(pa.binary())
    if _is_one_of(column.type, "is_binary", "is_large_binary", "is_binary_view", "is_string_view"):
        return column.cast(pa.string())
    if set(ours) == {"buyable"} and _is_one_of(kind, "is_list", "is_large_list", "is_fixed_size_list"):
        texts = [None if one is None else ",".join(map(str, one)) for one in column.to_pylist()]
        return pa.array(texts, pa.string())
    if pa.types.is_nested(kind):
        raise FileError(f"Its column {name} holds {kind}, which is no single value. Map another, or make it text.")
    if pa.types.is_timestamp(kind):
        # other years become null, because Python's datetime cannot hold them
        seconds = column.cast(pa.timestamp("s", kind.tz), safe=False).cast(pa.int64())
        known = pc.and_(pc.greater(seconds, _YEAR_1), pc.less(seconds, _YEAR_9999))
        return pc.if_else(known, column, pa.scalar(None, kind))
    return column


_YEAR_1, _YEAR_9999 = -62_135_500_000, 253_370_000_000  # in seconds, a day inside the limits of Python's datetime


def _is_one_of(kind: pa.DataType, *names: str) -> bool:
    return any(getattr(pa.types, name)(kind) for name in names)


def _joined(columns: Sequence[pa.Array]) -> pa.Array:
    """Several columns as one, their texts joined with a blank; null if one of the texts is missing."""
    if len(columns) == 1:
        return columns[0]
    texts = [pc.utf8_trim_whitespace(column.cast(pa.string())) for column in columns]
    missing = pa.array(MISSING)
    known = [pc.if_else(pc.is_in(pc.utf8_lower(text), missing), pa.scalar(None, pa.string()), text) for text in texts]
    return pc.binary_join_element_wise(*known, " ")
