"""The records of a text file, read strictly: a quote that is never closed must not swallow the rows that follow it.

Spreadsheets omit empty cells at the end of a row, or write too many. Such rows are made as long as the header.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from tickettape.imports.text_files import FileError, TextLayout

SHORT = "rows are shorter than the header: their missing values are empty"
CUT_OFF = "is cut off: the file ends within it"
RECORDS_A_CHUNK = 2048  # more are slower, because Python's garbage collector scans them all


@dataclass(frozen=True)
class MalformedRecord:
    """A record that cannot be split into values. `reason`: why, as the end of a sentence about it."""

    line: int
    text: str
    reason: str


@dataclass
class RecordChunk:
    """Some records, each as long as the header, with their lines. `repaired`: what was done, and the line of each."""

    lines: list[int] = field(default_factory=list)
    rows: list[Sequence[str]] = field(default_factory=list)
    malformed: list[MalformedRecord] = field(default_factory=list)
    repaired: list[tuple[str, int]] = field(default_factory=list)


def read_records(text: TextIO, layout: TextLayout, name: str) -> Iterator[RecordChunk]:
    """The records after the header. Empty lines are left out, but count as lines.

    A record with line breaks in quotes counts as one line, as in a spreadsheet. Raises FileError if a quote encloses
    lines that look like rows, because nobody can know how many rows were lost.
    """
    width, line, chunk = len(layout.names), 0, RecordChunk()
    header: list[str] | None = None
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True, **layout.dialect)
    while True:
        first, line = reader.line_num + 1, line + 1
        try:
            record = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            if reader.line_num > first:
                raise _swallowed(name, first) from None
            reason = CUT_OFF if "unexpected end of data" in str(error) else "has a quote in the wrong place"
            chunk.malformed.append(MalformedRecord(line, lines.last, reason))
            continue
        if line <= layout.header_lines:
            header = record
            continue
        if not record:
            continue
        if reader.line_num > first and _holds_rows(record, layout.delimiter):
            raise _swallowed(name, first)
        if len(record) != width:
            if len(record) < width and not lines.last.endswith(("\n", "\r")):
                chunk.malformed.append(MalformedRecord(line, lines.last, CUT_OFF))
                continue
            if len(record) > width and (any(value.strip() for value in record[width:]) or _is_parted_wrongly(record)):
                reason = f"has {len(record)} values, but the header has {width}"
                chunk.malformed.append(MalformedRecord(line, lines.last, reason))
                continue
            if len(record) < width:
                chunk.repaired.append((SHORT, line))
            record = [*record[:width], *[""] * (width - len(record))]
        if record == header:
            chunk.repaired.append(("rows are the header once more: left out", line))
            continue
        chunk.lines.append(line)
        chunk.rows.append(record)
        if len(chunk.rows) == RECORDS_A_CHUNK:
            yield chunk
            chunk = RecordChunk()
    yield chunk


class _Lines:
    """The lines of a text. The `last` one that was read is kept, so that it can be shown."""

    def __init__(self, text: TextIO) -> None:
        self._text, self.last = text, ""

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.last = line
            yield line


def _is_parted_wrongly(record: Sequence[str]) -> bool:
    """Whether values were split at delimiters inside them: some files escape those, or use single quotes."""
    return any(value.endswith(("\\", "'")) or value.startswith("'") for value in record)


def _holds_rows(record: Sequence[str], delimiter: str) -> bool:
    """Whether a value with line breaks contains rows: a line in it begins like this row, with as many delimiters."""
    for at, value in enumerate(record):
        pieces = re.split(r"\r\n|\r|\n", value)
        if len(pieces) == 1:
            continue
        began = _shape((record[0] if at else pieces[0]).split(delimiter)[0])
        alike = Counter(_shape(piece.split(delimiter)[0]) for piece in pieces[1:])[began]
        if alike and value.count(delimiter) >= len(record) - 1:
            return True
    return False


def _swallowed(name: str, line: int) -> FileError:
    return FileError(
        f"{name}, line {line:,} (as a text editor counts): a quote opens a value there and takes in the rows after it. "
        'Close it. If the quote is part of the value, write it twice: "12"" riser".'
    )


def _shape(value: str) -> str:
    """What a text looks like: `Row 12` is `a 9`."""
    return re.sub(r"[0-9]+", "9", re.sub(r"[^\W\d_]+", "a", value.strip()))
