"""A file on its way into the staging tables: read in batches, judged row by row, its events and sections numbered."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tickettape.database import Connection
from tickettape.imports.files import file_columns, read_batches
from tickettape.imports.judge_rows import ReadingRules, RowRefusal, judge_rows, read_instant, read_text
from tickettape.imports.mapping import EVENT_COLUMNS, resolve_columns
from tickettape.imports.request import ImportOutcome, ImportRefused, ImportRequest
from tickettape.imports.staging_tables import (
    LISTING_COLUMNS,
    REFUSAL_COLUMNS,
    copy_table,
    first_refusal_reasons,
    index_staged_listings,
)
from tickettape.observations import compress_payload

NO_SECTION = -1


class Progress:
    """Says how far something is, every two seconds."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._started = say, time.monotonic()
        self._said = self._started

    def __call__(self, done: int, what: str, share: float) -> None:
        now = time.monotonic()
        if now - self._said > 2:
            self._said = now
            self._say(f"{done:,} rows {what} ({share:.0%}), {done / (now - self._started):,.0f} a second.")


class StagedFile:
    """A file in the staging tables: numbers for its events and sections, and what it says of the events."""

    def __init__(self, request: ImportRequest, path: Path) -> None:
        self.request, self.path, self.outcome = request, path, ImportOutcome()
        self.events: dict[str, int] = {}
        self.sections: dict[tuple[int, str, str | None, str, str | None], int] = {}
        self.said: dict[str, dict[str, Any]] = _said_of_events(request)

    def read(self, connection: Connection, mapping: Mapping[str, str], progress: Progress) -> None:
        """Read the whole file into the staging tables."""
        reading = ReadingRules(
            self.request.now, self.request.time_zone, self.request.bin_seconds or 1, self.request.defaults
        )
        outcome = self.outcome
        for batch in read_batches(self.path, mapping):
            judged = judge_rows(batch, reading)
            outcome.rows_read += len(judged.rows) + len(judged.refusals)
            outcome.rows_refused += len(judged.refusals)
            for event, said in judged.events.items():
                self.said.setdefault(event, {}).update(said)
            if len(judged.rows):
                copy_table(connection, "staged_listings", LISTING_COLUMNS, self._listings(judged.rows))
            if judged.refusals:
                copy_table(connection, "staged_refused", REFUSAL_COLUMNS, self.refused(judged.refusals))
            if outcome.rows_refused and outcome.rows_refused == outcome.rows_read:
                reasons = "\n  ".join(first_refusal_reasons(connection))
                raise ImportRefused(f"Not one of the first {outcome.rows_read:,} rows can be used:\n  {reasons}")
            progress(outcome.rows_read, "read", batch.share)
        index_staged_listings(connection)
        outcome.reasons = first_refusal_reasons(connection)

    def refused(self, refusals: Iterable[RowRefusal]) -> pa.Table:
        """Refusals as the staging table has them."""
        return pa.Table.from_pylist(
            [
                {
                    "line": one.line,
                    "event": one.event,
                    "event_no": None if one.event is None else self._event_no(one.event),
                    "second": one.second,
                    "zone": one.zone,
                    "reason": one.reason,
                    "payload": None if one.payload is None else f"\\x{compress_payload(one.payload).hex()}",
                }
                for one in refusals
            ],
            pa.schema(
                [("line", pa.int64()), ("event", pa.string()), ("event_no", pa.int64()), ("second", pa.int64()),
                 ("zone", pa.string()), ("reason", pa.string()), ("payload", pa.string())]
            ),
        )  # fmt: skip

    def _listings(self, good: pd.DataFrame) -> pa.Table:
        names = ["event", "zone", "zone_id", "section", "section_id"]
        # one number for each distinct combination in the batch, then one of ours for it
        codes = np.zeros(len(good), np.int64)
        for name in names:
            of_column, distinct = pd.factorize(good[name], use_na_sentinel=False)
            codes = pd.factorize(codes * len(distinct) + of_column)[0]
        _, first = np.unique(codes, return_index=True)
        kinds = good.iloc[first][names].to_numpy(object)
        event_nos = np.array([self._event_no(event) for event, *_ in kinds])
        section_nos = np.array([self._section_no(*kind) for kind in kinds])
        return pa.Table.from_pandas(
            good.assign(event_no=event_nos[codes], section_no=section_nos[codes])[list(LISTING_COLUMNS)].astype(
                {"price": "int64"}
            ),
            preserve_index=False,
        )

    def _event_no(self, event: str) -> int:
        return self.events.setdefault(event, len(self.events))

    def _section_no(
        self, event: str, zone: str | None, zone_id: str | None, section: str | None, section_id: str | None
    ) -> int:
        if zone is None or section is None:
            return NO_SECTION  # nothing for sale there: no dimension is needed
        key = (self._event_no(event), zone, zone_id, section, section_id)
        return self.sections.setdefault(key, len(self.sections))


def _said_of_events(request: ImportRequest) -> dict[str, dict[str, Any]]:
    """What the file of events says, by event; empty without one."""
    said: dict[str, dict[str, Any]] = {}
    if request.events is None:
        return said
    mapping = resolve_columns(file_columns(request.events), {}, {}, required=["event"])
    reading = ReadingRules(request.now, request.time_zone)
    wanted = {name: mapping[name] for name in ("event", *EVENT_COLUMNS) if name in mapping}
    for batch in read_batches(request.events, wanted):
        for at, line in enumerate(batch.lines):
            try:
                values = {
                    name: read_instant(value, reading) if name == "event_date" else read_text(value, name)
                    for name, values in batch.columns.items()
                    if (value := values[at].as_py()) not in (None, "")
                }
            except ValueError as reason:
                raise ImportRefused(f"{request.events.name}, line {line}: a value {reason}.") from None
            if "event" in values:
                said[str(values.pop("event"))] = values
    return said
