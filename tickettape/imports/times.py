"""Times as people's files write them, read as UTC microseconds since 1970. Pure.

Without a format only ISO is read: `3/4/25` is March to some and April to others. With formats, all are tried, and a
value that two of them read differently is refused. A local time that occurs twice or never, because the clocks change,
is refused.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

from tickettape.imports.columns import DistinctColumn, Read, one_by_one

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # an earlier time has a wrong unit or epoch: nobody resold tickets online
ISO = "ISO"
EXAMPLES = 3  # lines of each style that a refusal shows
FEWEST = 3  # lines that make a style; fewer are typing errors, and refused row by row

_MICROSECOND = pd.Timedelta(microseconds=1).to_pytimedelta()
_NO_TIME_ZONE = "has no time zone: add --time-zone UTC, or the zone in which it was written"


@dataclass(frozen=True)
class TimeReading:
    """How to read a column's times: by strptime's formats (none: ISO), and in which zone those that name none."""

    formats: tuple[str, ...] = ()
    zone: ZoneInfo | None = None


@dataclass
class TimeStyle:
    """A way in which a column's times are written: the format that reads them, or their shape if none does."""

    column: str
    style: str
    understood: bool
    rows: int = 0
    examples: list[tuple[int, str]] = field(default_factory=list)
    """Line and text of the first rows."""


class TimeColumn(DistinctColumn):
    """A column of times, which knows how each is written. Defaults are always ISO.

    `now`: for the times of observations, none of which lies after it.
    """

    def __init__(
        self,
        values: pa.Array | None,
        length: int,
        default: str | None,
        reading: TimeReading,
        now: datetime | None = None,
    ) -> None:
        self._styles: list[str | None] = []

        def read(texts: Sequence[Any]) -> list[Read]:
            found, self._styles = read_times(texts, reading)
            return _observed(found, now)

        def read_default(texts: Sequence[Any]) -> list[Read]:
            return _observed(read_times(texts, TimeReading((), reading.zone))[0], now)

        super().__init__(values, length, default, read, read_default)

    def styles(self, name: str, lines: "np.ndarray[Any, np.dtype[np.int64]]") -> list[TimeStyle]:
        """The styles of this batch, with the first lines of each."""
        counts = np.bincount(self.codes, minlength=len(self.given))
        labels = [
            None if text is None else style or f"?{_shape(text)}"
            for text, style in zip(self.given, self._styles, strict=True)
        ]
        codes, distinct = pd.factorize(pd.Series(labels, dtype=object))
        rows_of = pd.Series(counts).groupby(codes).sum()
        found = []
        for number, label in enumerate(distinct):
            first = np.flatnonzero((codes == number)[self.codes])[:EXAMPLES]
            examples = [(int(lines[at]), str(self.given[self.codes[at]])) for at in first]
            found.append(TimeStyle(name, label.lstrip("?"), label[0] != "?", int(rows_of[number]), examples))
        return found


class TimeStyles:
    """The styles that a whole file's times are written in."""

    def __init__(self) -> None:
        self._styles: dict[tuple[str, str, bool], TimeStyle] = {}

    def add(self, styles: Iterable[TimeStyle]) -> None:
        """Add the styles of a batch."""
        for one in styles:
            known = self._styles.setdefault(
                (one.column, one.style, one.understood), TimeStyle(one.column, one.style, one.understood)
            )
            known.rows += one.rows
            known.examples += one.examples[: EXAMPLES - len(known.examples)]

    def mixed(self) -> str | None:
        """Why the file is refused: a column has times in several styles, and one is not known. None if it is not."""
        for column in dict.fromkeys(one.column for one in self._styles.values()):
            styles = [one for one in self._styles.values() if one.column == column]
            # an impossible date has the shape of those that are understood, so it is not another style
            like_understood = {_shape(text) for one in styles if one.understood for _, text in one.examples}
            unknown = [
                one for one in styles
                if not one.understood and one.rows >= FEWEST and _is_dated(one.style)
                and one.style not in like_understood
            ]  # fmt: skip
            known = [one for one in styles if one.understood]
            if unknown and len(unknown) + len(known) > 1:
                option = "--time-format" if column == "time" else "--event-date-format"
                lines = [
                    f"  {'read as ' + one.style if one.understood else 'not read'}, {one.rows:,} rows: "
                    + "; ".join(f"line {line}: {text}" for line, text in one.examples)
                    for one in [*known, *unknown]
                ]
                return "\n".join(
                    [f"Its column {column} has times in {len(lines)} formats:", *lines,
                     f"Name each of them: {option} '%Y-%m-%d %H:%M:%S' {option} '%m/%d/%Y %H:%M:%S' (as for strptime; "
                     "ISO for ISO)."]
                )  # fmt: skip
        return None

    def unread(self) -> str | None:
        """What to do about times that no format reads; None if there are none."""
        for one in self._styles.values():
            if not one.understood and _is_dated(one.style):
                option = "--time-format" if one.column == "time" else "--event-date-format"
                return (
                    f"Name the format of {one.column}, as for strptime: {option} '%m/%d/%y %H:%M' reads 10/5/21 17:43."
                )
        return None

    def said(self) -> list[str]:
        """How many rows each format read, if there are several formats, or one that is not ISO."""
        understood = [one for one in self._styles.values() if one.understood]
        return [f"{one.column}: {one.rows:,} rows read as {one.style}." for one in understood if one.style != ISO or
                sum(one.column == other.column for other in understood) > 1]  # fmt: skip


def check_format(text: str) -> str:
    """A time format, if it is valid. Raises ValueError if it is not."""
    if text.upper() == ISO:
        return ISO
    pd.to_datetime(pd.Series(["x"]), format=text, errors="coerce")
    if "%" not in text:
        raise ValueError("it contains no part of a time")
    return text


def read_times(values: Sequence[Any], reading: TimeReading) -> tuple[list[Read], list[str | None]]:
    """UTC microseconds of each value or the ValueError against it, and the format that fits it (None: none does)."""
    read_iso = one_by_one(lambda value: read_instant(value, reading.zone))
    if not reading.formats:
        as_iso = read_iso(values)
        return as_iso, [None if isinstance(one, NotWrittenSo) else ISO for one in as_iso]
    found: list[Read] = [None] * len(values)
    fits: list[str | None] = [None] * len(values)
    typed = [at for at, value in enumerate(values) if value is not None and not isinstance(value, str)]
    for at, one in zip(typed, read_iso([values[at] for at in typed]), strict=True):
        found[at], fits[at] = one, ISO
    texts = [at for at, value in enumerate(values) if isinstance(value, str)]
    given = [values[at] for at in texts]
    for how in reading.formats:
        for at, one in zip(texts, read_iso(given) if how == ISO else _formatted(given, how, reading.zone), strict=True):
            if isinstance(one, NotWrittenSo):
                continue
            earlier = fits[at]
            if earlier is None:
                found[at], fits[at] = one, how
            elif str(found[at]) != str(one):
                found[at] = ValueError(f"means different times in the formats {earlier} and {how}")
    none = NotWrittenSo(f"does not match {' or '.join(reading.formats)}")
    return [none if fits[at] is None and values[at] is not None else found[at] for at in range(len(values))], fits


def read_instant(value: Any, zone: ZoneInfo | None) -> int:
    """UTC microseconds since 1970 of an ISO text or a timestamp. Raises ValueError with the reason."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise NotWrittenSo("is not an ISO time") from None
    if isinstance(instant, date) and not isinstance(instant, datetime):
        instant = datetime.combine(instant, datetime.min.time())
    if not isinstance(instant, datetime):
        raise NotWrittenSo("is no time")
    if instant.tzinfo is None:
        if zone is None:
            raise ValueError(_NO_TIME_ZONE)
        instant = instant.replace(tzinfo=zone)
        if instant.utcoffset() != instant.replace(fold=1).utcoffset():
            raise ValueError(_clocks_change(zone))
    return int((instant.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / _MICROSECOND)


class NotWrittenSo(ValueError):  # noqa: N818
    """A value that is not in the format that was tried."""


def _formatted(texts: Sequence[str], how: str, zone: ZoneInfo | None) -> list[Read]:
    """Like `read_instant`, for many texts in one format."""
    zoned = "%z" in how or "%Z" in how
    parsed = pd.to_datetime(pd.Series(texts, dtype=object), format=how, errors="coerce", utc=zoned)
    unread = parsed.isna().to_numpy()
    if not zoned and zone is not None:
        parsed = parsed.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    refusal = ValueError(_NO_TIME_ZONE if zone is None and not zoned else _clocks_change(zone))
    refused = (parsed.isna().to_numpy() & ~unread) | (~unread if zone is None and not zoned else False)
    other = NotWrittenSo(f"does not match {how}")
    seconds = parsed.astype("int64") if zone is None and not zoned else parsed.dt.tz_convert(UTC).astype("int64")
    return [
        other if no else refusal if bad else nanoseconds // 1000
        for no, bad, nanoseconds in zip(unread.tolist(), refused.tolist(), seconds.tolist(), strict=True)
    ]


def _observed(found: Sequence[Read], now: datetime | None) -> list[Read]:
    """The values, with an error for each that is after `now` or before EARLIEST. Without `now` all are accepted."""
    if now is None:
        return list(found)
    newest, oldest = now.timestamp() * 1e6, EARLIEST.timestamp() * 1e6
    future, past = ValueError("is in the future"), ValueError(f"is before {EARLIEST:%Y}")
    return [
        future if isinstance(one, int) and one > newest else past if isinstance(one, int) and one < oldest else one
        for one in found
    ]


def _clocks_change(zone: ZoneInfo | None) -> str:
    return f"occurs twice or never in {zone}, because the clocks change then"


def _shape(value: Any) -> str:
    """What a text looks like: `2025-08-29 12:00` is 9-9-9 9:9."""
    return re.sub(r"[0-9]+", "9", re.sub(r"[^\W\d_]+", "a", str(value)))


def _is_dated(shape: str) -> bool:
    """Whether a text of this shape may be a date: it has at least two numbers."""
    return shape.count("9") > 1
