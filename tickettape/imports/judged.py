"""What the judges of listings and of price ranges share: how a file is read, and the verdict on a batch. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from tickettape.imports.columns import Change, DistinctColumn, objects, one_by_one, read_text
from tickettape.imports.files import FileBatch
from tickettape.imports.mapping import EVENT_COLUMNS
from tickettape.imports.names import read_id
from tickettape.imports.text_records import SHORT
from tickettape.imports.times import TimeColumn, TimeReading, TimeStyle


@dataclass(frozen=True)
class ReadingRules:
    """How to read what a file leaves open. `bin_seconds`: the UTC grid that times are rounded down to.

    `event_date_zone`: the zone of event dates that name none; None means `time_zone`.
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
    """A refused row. Its event and time, if they could be read, say which observations may lack it."""

    line: int
    reason: str
    event: str | None = None
    second: int | None = None
    payload: bytes | None = None
    observed: int | None = None


@dataclass(frozen=True)
class JudgedRows:
    """A batch: its good rows and its refusals.

    `rows`: see the judge. `events`: the description of each event by EVENT_COLUMNS, each value with the time of its
    row. `styles`: the formats of its times. `changes`: the changes to its values and rows. `nothing`: how many rows
    hold nothing to keep; they do not count as refused.
    """

    rows: pd.DataFrame
    refusals: list[RowRefusal]
    events: dict[str, dict[str, tuple[int, Any]]]
    styles: list[TimeStyle]
    changes: list[Change]
    columns: Mapping[str, DistinctColumn]
    nothing: int = 0


def event_columns(batch: FileBatch, reading: ReadingRules) -> dict[str, DistinctColumn]:
    """The columns that both kinds of files have: event, time, the event's description, and whether it is for sale."""
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
            reader = read_id if name == "event" else read_text
            read = one_by_one(lambda value, name=name, reader=reader: reader(value, name))  # type: ignore[misc]
            columns[name] = DistinctColumn(values, length, default(name), read)
    for name in ("for_sale", "sold_out"):
        columns[name] = DistinctColumn(batch.columns.get(name), length, default(name), one_by_one(read_yes_or_no))
    return columns


def not_for_sale(columns: Mapping[str, DistinctColumn]) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Which rows are marked as sold out, or as not for sale."""
    marked: np.ndarray[Any, np.dtype[np.bool_]] = columns["sold_out"].numbers() == 1
    marked |= columns["for_sale"].numbers() == 0
    return marked


def read_yes_or_no(value: Any) -> bool:
    """True or false. Raises ValueError if the text is neither."""
    said = str(value).lower()
    if said not in _YES | _NO:
        raise ValueError("is neither true nor false")
    return said in _YES


_YES, _NO = frozenset({"true", "t", "yes", "y", "1", "1.0"}), frozenset({"false", "f", "no", "n", "0", "0.0"})


@dataclass(frozen=True)
class JudgedBatch:
    """The verdict on each row of a batch."""

    batch: FileBatch
    columns: Mapping[str, DistinctColumn]
    reasons: Any
    blank: Any

    def outcome(self, rows: pd.DataFrame, nothing: Any = None) -> JudgedRows:
        """The good rows and the refusals. Both need `second` of `rows`. `nothing`: rows that are only dropped."""
        good, refused = (self.reasons == None) & ~self.blank, (self.reasons != None) & ~self.blank  # noqa: E711
        empty = 0
        if nothing is not None:
            empty = int((good & nothing).sum())
            good = good & ~nothing
        events, observed = self.columns["event"].objects(), self.columns["time"].numbers()
        seconds, lines = rows["second"].to_numpy(), self.batch.lines
        # a row that lost its beginning is short too, so its event and time count only if both can be read
        cut = np.isin(lines, [line for what, line in self.batch.repaired if what == SHORT])
        cut &= (events == None) | (observed == -1)  # noqa: E711
        refusals = [
            RowRefusal(
                int(lines[at]),
                str(self.reasons[at]),
                None if cut[at] else events[at],
                None if cut[at] or observed[at] == -1 else int(seconds[at]),
                _payload(self.batch, int(at)),
                None if cut[at] or observed[at] == -1 else int(observed[at]),
            )
            for at in np.flatnonzero(refused)
        ]
        refusals += [
            RowRefusal(one.line, f"it {one.reason}", payload=one.text.encode()) for one in self.batch.malformed
        ]
        styles = [
            style
            for name, column in self.columns.items()
            if isinstance(column, TimeColumn)
            for style in column.styles(name, lines)
        ]
        changes = [Change(what, 1, line) for what, line in self.batch.repaired]
        changes += [change for name, column in self.columns.items() for change in column.changes(name, lines)]
        sold = np.flatnonzero(not_for_sale(self.columns) & ~self.blank)
        if len(sold):
            what = "rows are marked as sold out: nothing of them is for sale"
            changes.append(Change(what, len(sold), int(lines[sold[0]])))
        said = _events(self.columns, good, observed)
        return JudgedRows(rows[good], refusals, said, styles, changes, self.columns, empty)


def judged_batch(
    batch: FileBatch, columns: Mapping[str, DistinctColumn], absent: Mapping[str, Any], against: Any = None
) -> JudgedBatch:
    """The first reason against each row: a value that cannot be read, then one that is `absent`, then `against`."""
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
    for name in batch.columns:
        blank &= columns[name].blank()
    return JudgedBatch(batch, columns, reasons, blank)


def _events(columns: Mapping[str, DistinctColumn], good: Any, observed: Any) -> dict[str, dict[str, tuple[int, Any]]]:
    """The description of each event, each value from its newest row and with that row's time.

    Of rows with the same time, the last in the file counts. The order of other rows does not, because many files have
    their newest rows first.
    """
    said: dict[str, dict[str, tuple[int, Any]]] = {}
    newest_last = np.flatnonzero(good)
    newest_last = newest_last[np.argsort(observed[newest_last], kind="stable")]
    of_event = columns["event"].codes[newest_last]
    for name in EVENT_COLUMNS:
        column = columns[name]
        known = np.array([value is not None for value in column.read], bool)
        if not known.any():
            continue
        codes = column.codes[newest_last]
        rows = np.flatnonzero(known[codes])
        last = rows[~pd.Series(of_event[rows]).duplicated(keep="last").to_numpy()]
        for at in last:
            event = columns["event"].read[of_event[at]]
            one = (int(observed[newest_last[at]]), column.read[codes[at]])
            before = said.setdefault(event, {}).get(name)  # two texts may be one event: 7 and 7.0
            said[event][name] = one if before is None or before[0] <= one[0] else before
    return said


def _payload(batch: FileBatch, at: int) -> bytes:
    row = {name: values[at].as_py() for name, values in batch.columns.items()}
    return json.dumps(row, default=str, ensure_ascii=False).encode()
