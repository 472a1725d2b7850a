"""How a text file is laid out: its encoding, delimiter, column names and where its rows begin.

People's files come from R, pandas, Excel and scrapers of their own; what is found here is what `files` reads by.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

DELIMITERS = ",;\t|"
SAMPLE_BYTES = 2**18
SAMPLE_RECORDS = 200
CONSISTENT = 0.8  # share of the records that a delimiter must part into as many values as the header
MOST_COLUMNS = 10_000


class FileError(Exception):
    """A file that cannot be read. The message says which and why."""


@dataclass(frozen=True)
class TextLayout:
    """A text file's layout. `header_lines`: those before its first row, empty ones too.

    `names`: one for each value of a row; a column without a name is `column 3`, and names may be doubled.
    `note`: what a person should know of how the file was read.
    """

    encoding: str
    delimiter: str
    names: tuple[str, ...]
    header_lines: int
    note: str | None = None


def text_layout(path: Path, encoding: str | None = None) -> TextLayout:
    """How a file is laid out. Raises FileError where no header can be found, OSError where it cannot be opened."""
    note = None
    if encoding is None:
        encoding, note = _encoding(path)
    with opened(path) as stream:
        sample = stream.read(SAMPLE_BYTES)
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(sample).removeprefix("\ufeff")
    whole = len(sample) < SAMPLE_BYTES
    before = len(text) - len(text.lstrip("\r\n"))
    blank = len(text[:before].splitlines())
    parsed = {delimiter: _records(text[before:], delimiter, whole=whole) for delimiter in (*DELIMITERS, " ")}
    delimiter = _delimiter(parsed)
    header, *rows = parsed[delimiter] or [[]]
    if not any(name.strip() for name in header):
        raise FileError(f"{path.name} has no header. Its first line must name the columns.")
    if len(header) > MOST_COLUMNS:
        raise FileError(f"{path.name} has {len(header):,} columns, so it does not look like a table of prices.")
    names = [name.strip() for name in _with_row_names(header, rows)]
    return TextLayout(
        encoding, delimiter, tuple(name or f"column {at}" for at, name in enumerate(names, 1)), blank + 1, note
    )


def opened(path: Path) -> pa.NativeFile:
    """A file's bytes, unpacked where its name says that they are packed."""
    return unpacked(pa.OSFile(str(path)), path)


def unpacked(raw: pa.NativeFile, path: Path) -> pa.NativeFile:
    """The bytes of an open file, unpacked where its name says that they are packed."""
    compression = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}.get(path.suffix.lower())
    return pa.CompressedInputStream(raw, compression) if compression else raw


def _encoding(path: Path) -> tuple[str, str | None]:
    """UTF-8 where the whole file is, else what its mark or its bytes say."""
    marks = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    other: codecs.IncrementalDecoder | None = None
    name, first = "cp1252", True
    for block in _blocks(path):
        if first and block[:2] in marks:
            return marks[block[:2]], None
        first = False
        if other is None:
            try:
                decoder.decode(block)
                line += len(block.splitlines()) - 1
                continue
            except UnicodeDecodeError as error:
                line += len(error.object[: error.start].splitlines()) - 1
                other = codecs.getincrementaldecoder(name)()
        if name == "cp1252":
            try:
                other.decode(block)
            except UnicodeDecodeError:
                name = "latin-1"  # which has a character for every byte
    if other is None:
        return "utf-8", None
    called = "Windows-1252" if name == "cp1252" else "Latin-1"
    return name, (
        f"{path.name} is not UTF-8 (see its line {max(line, 1):,}). It is read as {called}. If names look wrong, use "
        "--encoding."
    )


def _blocks(path: Path) -> Iterator[bytes]:
    with opened(path) as stream:
        while block := stream.read(2**22):
            yield block


def _records(text: str, delimiter: str, *, whole: bool) -> list[list[str]]:
    """The first records that are not empty."""
    found = []
    try:
        # newline=None: every kind of line end is one
        for record in csv.reader(io.StringIO(text, newline=None), delimiter=delimiter):
            if record:
                found.append(record)
            if len(found) > SAMPLE_RECORDS:
                break
        else:
            if not whole and len(found) > 1:
                del found[-1]  # cut off by the sample's end
    except csv.Error:
        pass  # a value of more than 128 kB: what came before it will do
    return found


def _delimiter(parsed: dict[str, list[list[str]]]) -> str:
    """The delimiter that parts rows as it parts the header.

    Not csv.Sniffer: it counts characters, and takes the blank where names of columns and teams hold blanks.
    """

    def columns(delimiter: str) -> int:
        header, *rows = parsed[delimiter] or [[]]
        alike = sum(len(row) in (len(header), len(header) + 1) for row in rows)
        return len(header) if alike >= CONSISTENT * len(rows) else 0

    best = max(DELIMITERS, key=columns)
    if columns(best) > 1:
        return best
    if columns(" ") > 1:
        return " "
    return max(DELIMITERS, key=lambda delimiter: len((parsed[delimiter] or [[]])[0]))


def _with_row_names(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The header with a name for each value: R names its rows in a first column that the header lacks."""
    longer = [row for row in rows if len(row) == len(header) + 1]
    if not rows or len(longer) < CONSISTENT * len(rows):
        return list(header)
    only_delimiters = not any(row[-1] for row in longer)  # each row ends with one that the header does not
    return [*header, ""] if only_delimiters else ["", *header]
