"""Read a file into the staging tables: in batches, judged row by row, with numbers for its events and sections.

`StagedFile` has what files of listings and of price ranges share. `StagedListings` is for listings; the class for price
ranges is in `range_staging`.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tickettape.database import Connection
from tickettape.imports.columns import Changes, DistinctColumn, one_by_one, read_text
from tickettape.imports.files import Columns, FileBatch, SourceFile, open_file, read_batches
from tickettape.imports.judge_rows import judge_rows
from tickettape.imports.judged import JudgedRows, ReadingRules, RowRefusal
from tickettape.imports.mapping import EVENT_COLUMNS, RANGE_VALUES, resolve_columns
from tickettape.imports.names import GuessedText, LongIds, read_id
from tickettape.imports.numbers import DecimalMarks
from tickettape.imports.request import ImportOutcome, ImportRefused, ImportRequest
from tickettape.imports.staging_tables import (
    LISTING_COLUMNS,
    REFUSAL_COLUMNS,
    copy_table,
    grouped_refusal_reasons,
    index_staged_listings,
)
from tickettape.imports.times import TimeColumn, TimeStyles
from tickettape.observations import compress_payload

NO_SECTION = -1
NUMBERS = frozenset({"price", "all_in_price", "quantity", *RANGE_VALUES})
IDS = frozenset({"event", "listing", "zone", "zone_id", "section", "section_id"})


class Progress:
    """Reports the progress, every two seconds."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._started = say, time.monotonic()
        self._said = self._started

    def __call__(self, done: int, what: str, share: float) -> None:
        now = time.monotonic()
        if now - self._said > 2:
            self._said = now
            self._say(f"{done:,} rows {what} ({share:.0%}), {done / (now - self._started):,.0f} a second.")


class StagedFile:
    """A file in the staging tables, with numbers and descriptions for its events. Subclasses stage its rows."""

    def __init__(self, request: ImportRequest, file: SourceFile) -> None:
        self.request, self.file, self.outcome = request, file, ImportOutcome()
        self.events: dict[str, int] = {}
        self.faults: list[str] = []
        self.said: dict[str, dict[str, Any]] = _said_of_events(request, self.faults)
        self._said_at: dict[str, dict[str, int]] = {}

    def judge(self, batch: FileBatch, reading: ReadingRules) -> JudgedRows:
        """Judge a batch."""
        raise NotImplementedError

    def stage(self, connection: Connection, rows: pd.DataFrame) -> None:
        """Put good rows into the staging table."""
        raise NotImplementedError

    def read(self, connection: Connection, mapping: Columns, progress: Progress) -> None:
        """Read the whole file into the staging tables. Raises ImportRefused if it can be read in several ways."""
        reading, outcome, styles = self.request.reading, self.outcome, TimeStyles()
        used = {column for columns in mapping.values() for column in columns}
        outcome.unread = tuple(name for name in self.file.names if name not in used and not name.startswith("column "))
        changes, marks = Changes(), {name: DecimalMarks(name) for name in mapping if name in NUMBERS}
        ids, letters = LongIds(), GuessedText(self.file.guessed_encoding)
        for batch in read_batches(self.file, mapping):
            judged = self.judge(batch, reading)
            outcome.rows_read += len(judged.rows) + len(judged.refusals) + judged.nothing
            outcome.rows_refused += len(judged.refusals)
            outcome.rows_of_nothing += judged.nothing
            styles.add(judged.styles)
            changes.add(judged.changes)
            for name, column in judged.columns.items():
                if name in marks:
                    marks[name].add(column.given, column.lines_of(batch.lines))
                elif name in IDS:
                    ids.add(name, column.read, column.lines_of(batch.lines))
                    letters.add(name, column.read, column.lines_of(batch.lines))
            for event, said in judged.events.items():
                self._hear(event, said)
            if len(judged.rows):
                self.stage(connection, judged.rows)
            if judged.refusals:
                copy_table(connection, "staged_refused", REFUSAL_COLUMNS, self.refused(judged.refusals))
            if outcome.rows_refused and outcome.rows_refused == outcome.rows_read:
                if mixed := styles.mixed():
                    raise ImportRefused(mixed)
                reasons = "\n  ".join(grouped_refusal_reasons(connection))
                raise ImportRefused(
                    f"None of the first {outcome.rows_read:,} rows can be used:\n  {reasons}"
                    + ("" if not styles.unread() else f"\n{styles.unread()}")
                )
            progress(outcome.rows_read, "read", batch.share)
        doubts = [styles.mixed(), *(one.refusal() for one in marks.values()), ids.refusal(), letters.refusal()]
        for doubt in filter(None, doubts):
            raise ImportRefused(doubt)
        outcome.changes = [*self.faults, *changes.said()]
        outcome.styles = styles.said()
        outcome.reasons = grouped_refusal_reasons(connection)

    def _hear(self, event: str, said: Mapping[str, tuple[int, Any]]) -> None:
        """Keep an event's description from its newest rows."""
        known, times = self.said.setdefault(event, {}), self._said_at.setdefault(event, {})
        for name, (observed, value) in said.items():
            if observed >= times.get(name, observed):
                known[name], times[name] = value, observed

    def refused(self, refusals: Iterable[RowRefusal]) -> pa.Table:
        """Refusals as rows of the staging table."""
        return pa.Table.from_pylist(
            [
                {
                    "line": one.line,
                    "event": one.event,
                    "event_no": None if one.event is None else self.event_no(one.event),
                    "second": one.second,
                    "observed": one.observed,
                    "reason": one.reason,
                    "payload": None if one.payload is None else f"\\x{compress_payload(one.payload).hex()}",
                }
                for one in refusals
            ],
            pa.schema(
                [("line", pa.int64()), ("event", pa.string()), ("event_no", pa.int64()), ("second", pa.int64()),
                 ("observed", pa.int64()), ("reason", pa.string()), ("payload", pa.string())]
            ),
        )  # fmt: skip

    def event_no(self, event: str) -> int:
        return self.events.setdefault(event, len(self.events))


class StagedListings(StagedFile):
    """A file of listings in the staging tables, with numbers for its sections too."""

    def __init__(self, request: ImportRequest, file: SourceFile) -> None:
        super().__init__(request, file)
        self.sections: dict[tuple[int, str, str | None, str, str | None], int] = {}
        self.currencies: dict[int, set[str]] = {}

    def judge(self, batch: FileBatch, reading: ReadingRules) -> JudgedRows:
        """Judge a batch of listings."""
        return judge_rows(batch, reading)

    def read(self, connection: Connection, mapping: Columns, progress: Progress) -> None:
        """Read it like any file, then index its listings by capture."""
        super().read(connection, mapping, progress)
        index_staged_listings(connection)

    def stage(self, connection: Connection, rows: pd.DataFrame) -> None:
        """Put good listings into the staging table."""
        copy_table(connection, "staged_listings", LISTING_COLUMNS, self._listings(rows))
        said = rows.loc[rows["currency"].notna(), ["event", "currency"]]
        for event, currency in said.drop_duplicates().itertuples(index=False):
            self.currencies.setdefault(self.event_no(event), set()).add(currency)

    def _listings(self, good: pd.DataFrame) -> pa.Table:
        names = ["event", "zone", "zone_id", "section", "section_id"]
        # number the distinct combinations of the batch, then give each its number in the whole file
        codes = np.zeros(len(good), np.int64)
        for name in names:
            of_column, distinct = pd.factorize(good[name], use_na_sentinel=False)
            codes = pd.factorize(codes * len(distinct) + of_column)[0]
        _, first = np.unique(codes, return_index=True)
        kinds = good.iloc[first][names].to_numpy(object)
        event_nos = np.array([self.event_no(event) for event, *_ in kinds])
        section_nos = np.array([self._section_no(*kind) for kind in kinds])
        return pa.Table.from_pandas(
            good.assign(event_no=event_nos[codes], section_no=section_nos[codes])[list(LISTING_COLUMNS)].astype(
                {"price": "int64"}
            ),
            preserve_index=False,
        )

    def _section_no(
        self, event: str, zone: str | None, zone_id: str | None, section: str | None, section_id: str | None
    ) -> int:
        if zone is None or section is None:
            return NO_SECTION  # nothing for sale there: no dimension is needed
        key = (self.event_no(event), zone, zone_id, section, section_id)
        return self.sections.setdefault(key, len(self.sections))


def _said_of_events(request: ImportRequest, faults: list[str]) -> dict[str, dict[str, Any]]:
    """The descriptions in the file of events, if there is one, by event. Values that cannot be read go to `faults`."""
    said: dict[str, dict[str, Any]] = {}
    if request.events is None:
        return said
    file = open_file(request.events)
    mapping = resolve_columns(file.names, {}, {}, required=["event"])
    wanted = {name: mapping[name] for name in ("event", *EVENT_COLUMNS) if name in mapping}
    for batch in read_batches(file, wanted):
        columns = {name: _column_of_events(name, values, len(batch.lines), request) for name, values in
                   batch.columns.items()}  # fmt: skip
        for at, line in enumerate(batch.lines):
            read = {name: column.codes[at] for name, column in columns.items()}
            faults += [
                f"{request.events.name}, line {line}: {name} {reason}; it is not used."
                for name, code in read.items()
                if (reason := columns[name].reasons[code])
            ]
            values = {name: value for name, code in read.items() if (value := columns[name].read[code]) is not None}
            if "event" in values:
                said[str(values.pop("event"))] = values
    return said


def _column_of_events(name: str, values: pa.Array, length: int, request: ImportRequest) -> DistinctColumn:
    if name == "event_date":
        return TimeColumn(values, length, None, request.reading.event_dates)
    reader = read_id if name == "event" else read_text
    return DistinctColumn(values, length, None, one_by_one(lambda value: reader(value, name)))
