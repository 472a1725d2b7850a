"""Detect the layout of a text file: its encoding, delimiter, column names, and where its rows begin.

People's files come from R, pandas, Excel and their own scrapers. `files` reads them by the layout that is found here.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

DELIMITERS = ",;\t|"
SAMPLE_BYTES = 2**18
SAMPLE_RECORDS = 200
CONSISTENT = 0.8  # share of the records that a delimiter must split into as many values as the header
MOST_COLUMNS = 10_000

_EXCEL_DELIMITER = re.compile(r"sep=(.)(?:\r\n|\r|\n)")  # a first line that names the delimiter, for Excel alone


class FileError(Exception):
    """A file that cannot be read. The message says which and why."""


@dataclass(frozen=True)
class TextLayout:
    """A text file's layout. `header_lines`: how many lines precede its first row, empty ones included.

    `names`: one for each value of a row. A column without a name is called `column 3`, after its position. A name may
    occur twice. `note`: what a person should know about how the file was read.
    """

    encoding: str
    delimiter: str
    names: tuple[str, ...]
    header_lines: int
    note: str | None = None

    @property
    def dialect(self) -> dict[str, Any]:
        """The dialect for Python's csv."""
        return _dialect(self.delimiter)


def text_layout(path: Path, encoding: str | None = None) -> TextLayout:
    """The layout of a file. Raises FileError if no header can be found, OSError if it cannot be opened."""
    note = None
    if encoding is None:
        encoding, note = _encoding(path)
    with opened(path) as stream:
        sample = stream.read(SAMPLE_BYTES)
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(sample).removeprefix("\ufeff")
    whole = len(sample) < SAMPLE_BYTES
    before = len(text) - len(text.lstrip("\r\n"))
    lines_before = len(text[:before].splitlines())
    delimiters: Sequence[str] = (*DELIMITERS, " ")
    if said := _EXCEL_DELIMITER.match(text, before):
        delimiters, before, lines_before = said[1], said.end(), lines_before + 1
    parsed = {delimiter: _records(text[before:], delimiter, whole=whole) for delimiter in delimiters}
    delimiter = delimiters[0] if len(delimiters) == 1 else _delimiter(parsed)
    header, *rows = parsed[delimiter] or [[]]
    if not any(name.strip() for name in header):
        raise FileError(f"{path.name} has no header. Its first line must name the columns.")
    if len(header) > MOST_COLUMNS:
        raise FileError(f"{path.name} has {len(header):,} columns, so it does not look like a table of prices.")
    names = [name.strip() for name in _with_row_names(header, rows)]
    return TextLayout(
        "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding,
        delimiter,
        tuple(name or f"column {at}" for at, name in enumerate(names, 1)),
        lines_before + 1,
        note,
    )


def opened(path: Path) -> pa.NativeFile:
    """A file's bytes, decompressed if the ending of its name says so."""
    return unpacked(pa.OSFile(str(path)), path)


def unpacked(raw: pa.NativeFile, path: Path) -> pa.NativeFile:
    """The bytes of an open file, decompressed if the ending of its name says so."""
    compression = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}.get(path.suffix.lower())
    return pa.CompressedInputStream(raw, compression) if compression else raw


def _encoding(path: Path) -> tuple[str, str | None]:
    """The encoding, with a note if it was guessed: UTF-16 or UTF-32, UTF-8 if the whole file is, or a guess."""
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    other: codecs.IncrementalDecoder | None = None
    name = None
    for block in _blocks(path):
        if name is None:
            if wide := _wide_encoding(block):
                return wide, None
            # only old Macs end lines with CR alone, and Excel writes Mac Roman there
            name = "cp1252" if b"\n" in block or b"\r" not in block else "mac_roman"
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
    if other is None or name is None:
        return "utf-8", None
    called = {"cp1252": "Windows-1252", "mac_roman": "Mac Roman"}.get(str(name), "Latin-1")
    return name, (
        f"{path.name} is not UTF-8 (see its line {max(line, 1):,}). It is read as {called}. If names look wrong, use "
        "--encoding."
    )


def _wide_encoding(block: bytes) -> str | None:
    """UTF-32 or UTF-16, by its mark, or by the zeros in every second byte of a header (pandas writes no mark)."""
    for mark, name in ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
                       (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):  # fmt: skip
        if block.startswith(mark):
            return name
    if len(block) > 3 and block[1] == block[3] == 0 != block[2]:
        return "utf-16-le"
    return "utf-16-be" if len(block) > 3 and block[0] == block[2] == 0 != block[3] and block[1] else None


def _dialect(delimiter: str) -> dict[str, Any]:
    # some files have a blank after each comma; a quote after that blank must open a value too
    return {"delimiter": delimiter, "skipinitialspace": delimiter != " "}


def _blocks(path: Path) -> Iterator[bytes]:
    with opened(path) as stream:
        while block := stream.read(2**22):
            yield block


def _records(text: str, delimiter: str, *, whole: bool) -> list[list[str]]:
    """The first records that are not empty."""
    found = []
    try:
        # newline=None accepts every kind of line ending
        for record in csv.reader(io.StringIO(text, newline=None), **_dialect(delimiter)):
            if record:
                found.append(record)
            if len(found) > SAMPLE_RECORDS:
                break
        else:
            if not whole and len(found) > 1:
                del found[-1]  # cut off by the sample's end
    except csv.Error:
        pass  # a value of more than 128 kB: the records before it are enough
    return found


def _delimiter(parsed: dict[str, list[list[str]]]) -> str:
    """The delimiter that splits the rows into as many values as the header.

    Not csv.Sniffer: it counts characters, and chooses the blank if the names of columns and teams contain blanks.
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
    """The header with a name for each value: R writes row names into a first column, which the header lacks."""
    longer = [row for row in rows if len(row) == len(header) + 1]
    if not rows or len(longer) < CONSISTENT * len(rows):
        return list(header)
    if not any(row[-1] for row in longer):
        return [*header, ""]  # each row ends with a delimiter, and the header does not
    # otherwise each row has a comma without quotes, which would shift every value
    names = [row[0] for row in longer]
    named = len(set(names)) == len(names) and (len(names) > 1 or names == ["1"])
    named = named and not any(value.endswith("\\") for row in longer for value in row)
    return ["", *header] if named else list(header)
