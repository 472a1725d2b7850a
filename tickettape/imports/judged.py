"""What the judges of listings and of price ranges share: how a file is read, and the verdict on a batch. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from tickettape.imports.columns import DistinctColumn, objects, one_by_one, read_text
from tickettape.imports.files import FileBatch
from tickettape.imports.mapping import EVENT_COLUMNS
from tickettape.imports.times import TimeColumn, TimeReading, TimeStyle


@dataclass(frozen=True)
class ReadingRules:
    """How to read what a file leaves open. `bin_seconds`: the UTC grid that times are rounded down to.

    `event_date_zone`: of event dates that name none; None: `time_zone`.
    """

    now: datetime
    time_zone: ZoneInfo | None = None
    bin_seconds: int = 1
    defaults: Mapping[str, str] = field(default_factory=dict)
    time_formats: tuple[str, ...] = ()
    event_date_formats: tuple[str, ...] = ()
    event_date_zone: ZoneInfo | None = None

    @property
    def event_dates(self) -> TimeReading:
        """How event dates are written."""
        return TimeReading(self.event_date_formats, self.event_date_zone or self.time_zone)

    def tick_seconds(self, observed: "np.ndarray[Any, np.dtype[np.int64]]") -> "np.ndarray[Any, np.dtype[np.int64]]":
        """The ticks (UTC epoch) of observed times (microseconds): rounded down to the grid."""
        return observed // 1_000_000 // self.bin_seconds * self.bin_seconds


@dataclass(frozen=True)
class RowRefusal:
    """A row that was refused; what could be read of it says which observations it may be missing from."""

    line: int
    reason: str
    event: str | None = None
    second: int | None = None
    payload: bytes | None = None


@dataclass(frozen=True)
class JudgedRows:
    """A batch: its good rows and its refusals.

    `rows`: as the judge says. `events`: what the batch says of each event, by EVENT_COLUMNS. `styles`: how its times
    are written. `nothing`: rows that hold nothing to keep, which are no refusals.
    """

    rows: pd.DataFrame
    refusals: list[RowRefusal]
    events: dict[str, dict[str, Any]]
    styles: list[TimeStyle]
    nothing: int = 0


def event_columns(batch: FileBatch, reading: ReadingRules) -> dict[str, DistinctColumn]:
    """The event, the time and what is said of the event: what every row of a file has."""
    length, default = len(batch.lines), reading.defaults.get
    columns: dict[str, DistinctColumn] = {}
    for name in ("event", "time", *EVENT_COLUMNS):
        values = batch.columns.get(name)
        if name == "time":
            times = TimeReading(reading.time_formats, reading.time_zone)
            columns[name] = TimeColumn(values, length, default(name), times, reading.now)
        elif name == "event_date":
            columns[name] = TimeColumn(values, length, default(name), reading.event_dates)
        else:
            read = one_by_one(lambda value, name=name: read_text(value, name))  # type: ignore[misc]
            columns[name] = DistinctColumn(values, length, default(name), read)
    return columns


@dataclass(frozen=True)
class JudgedBatch:
    """The verdict on each row of a batch."""

    batch: FileBatch
    columns: Mapping[str, DistinctColumn]
    reasons: Any
    blank: Any

    def outcome(self, rows: pd.DataFrame, nothing: Any = None) -> JudgedRows:
        """The rows that are good, and the refusals. `second` of `rows` is read for both; `nothing`: no refusals."""
        good, refused = (self.reasons == None) & ~self.blank, (self.reasons != None) & ~self.blank  # noqa: E711
        empty = 0
        if nothing is not None:
            empty = int((good & nothing).sum())
            good = good & ~nothing
        events, observed = self.columns["event"].objects(), self.columns["time"].numbers()
        seconds, lines = rows["second"].to_numpy(), self.batch.lines
        refusals = [
            RowRefusal(
                int(lines[at]),
                str(self.reasons[at]),
                events[at],
                None if observed[at] == -1 else int(seconds[at]),
                _payload(self.batch, int(at)),
            )
            for at in np.flatnonzero(refused)
        ]
        refusals += [
            RowRefusal(
                one.line, f"it has {one.found} values, but the header has {one.expected}", payload=one.text.encode()
            )
            for one in self.batch.malformed
        ]
        styles = [
            style
            for name, column in self.columns.items()
            if isinstance(column, TimeColumn)
            for style in column.styles(name, lines)
        ]
        return JudgedRows(rows[good], refusals, _events(self.columns, good), styles, empty)


def judged_batch(
    batch: FileBatch, columns: Mapping[str, DistinctColumn], absent: Mapping[str, Any], against: Any = None
) -> JudgedBatch:
    """The first reason against each row: a value that cannot be read, one that is `absent`, what else is `against`."""
    reasons = objects([None] * len(batch.lines))
    for name, one in columns.items():
        unread = one.row_reasons()
        if unread is not None:
            for at in np.flatnonzero((reasons == None) & (unread != None)):  # noqa: E711  elementwise
                reasons[at] = f"{name} {unread[at]}"
    for name, missing in absent.items():
        reasons[(reasons == None) & missing] = f"{name} is missing"  # noqa: E711
    if against is not None:
        reasons = np.where(reasons == None, against, reasons)  # noqa: E711
    blank = np.ones(len(batch.lines), bool)
    for values in batch.columns.values():
        blank &= values.is_null().to_numpy(zero_copy_only=False)
    return JudgedBatch(batch, columns, reasons, blank)


def _events(columns: Mapping[str, DistinctColumn], good: Any) -> dict[str, dict[str, Any]]:
    """What the newest row of each event says of it."""
    codes = pd.Series(columns["event"].codes)[good]
    said: dict[str, dict[str, Any]] = {}
    for at, code in codes.drop_duplicates(keep="last").items():
        values = {name: columns[name].read[columns[name].codes[int(str(at))]] for name in EVENT_COLUMNS}
        event = columns["event"].read[code]
        said.setdefault(event, {}).update({name: value for name, value in values.items() if value is not None})
    return said


def _payload(batch: FileBatch, at: int) -> bytes:
    row = {name: values[at].as_py() for name, values in batch.columns.items()}
    return json.dumps(row, default=str, ensure_ascii=False).encode()
