"""Bring a file of listings into the warehouse: read, judge, stage; check the whole; then write capture by capture."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tickettape.catalogue import events as catalogue
from tickettape.catalogue.events import SeenZone
from tickettape.database import (
    Connection,
    locks,
    partitions,
)
from tickettape.database import (
    month_state as months,
)
from tickettape.imports import files
from tickettape.imports import import_tables as imports
from tickettape.imports import judge_rows as rows
from tickettape.imports.judge_rows import Reading, Refusal
from tickettape.imports.mapping import OF_EVENTS, REQUIRED, resolve
from tickettape.observations import payloads
from tickettape.observations.section_metrics import COUNTED_SIZES, metrics_of

ROWS_AT_ONCE = 200_000  # of a file, in one transaction: a second or two, some 100 MB
CAPTURES_AT_ONCE = 5_000
TOO_CLOSE_SECONDS = 60  # nobody looks at a whole event twice within a minute: one look, spread over seconds
NO_SECTION = -1

Captures = pd.DataFrame


class ImportRefused(Exception):  # noqa: N818
    """A file that is not imported; nothing of it was written. The message says why and what to do."""


@dataclass(frozen=True)
class Request:
    """What a person asked for. `whole_inventory`: each observation holds all that was for sale at its event.

    `bin_seconds`: the grid that times are rounded down to; None: exact seconds, refused where they look like one
    observation spread over several. `most_refused`: share of refused rows above which nothing is written.
    """

    source: str
    now: datetime
    mapping: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    events: Path | None = None
    time_zone: Any = None
    bin_seconds: int | None = None
    whole_inventory: bool = True
    most_refused: float = 0.1
    tolerance: float = 0.05
    check_only: bool = False


@dataclass
class Outcome:
    """What came of an import."""

    rows_read: int = 0
    rows_refused: int = 0
    events: int = 0
    captures: Counter[str] = field(default_factory=Counter)
    """added, replaced, unchanged, refused"""
    partial: int = 0
    doubles: int = 0
    reasons: list[str] = field(default_factory=list)
    seconds: float = 0.0


def load(connection: Connection, path: Path, request: Request, say: Callable[[str], None]) -> Outcome:
    """Import a file. The same file again changes nothing; a corrected one replaces what it corrects.

    Everything is read and judged before anything is written. Written are whole captures, some thousand in a
    transaction: an interrupted import goes on where it is started again. Raises ImportRefused, FileError or
    MappingError with nothing written.
    """
    started = time.monotonic()
    mapping = resolve(files.columns_of(path), request.mapping, request.defaults, required=REQUIRED)
    with locks.try_lock(connection, f"import {request.source}") as alone:
        if not alone:
            raise ImportRefused(f"Another import into {request.source} is under way; try again when it has ended.")
        imports.stage(connection)
        staged = _Staged(request, path)
        staged.read(connection, mapping, _Progress(say))
        outcome = staged.outcome
        captures = imports.staged_captures(connection)
        _check(connection, staged, captures)
        events = _events(connection, staged, captures)
        if not request.check_only:
            _Writer(connection, staged, path.name).write(captures, events, _Progress(say))
    outcome.seconds = time.monotonic() - started
    return outcome


class _Progress:
    """Says how far something is, every two seconds."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._started = say, time.monotonic()
        self._said = self._started

    def __call__(self, done: int, what: str, share: float) -> None:
        now = time.monotonic()
        if now - self._said > 2:
            self._said = now
            self._say(f"{done:,} rows {what} ({share:.0%}), {done / (now - self._started):,.0f} a second.")


class _Staged:
    """A file in the staging tables: numbers for its events and sections, and what it says of the events."""

    def __init__(self, request: Request, path: Path) -> None:
        self.request, self.path, self.outcome = request, path, Outcome()
        self.events: dict[str, int] = {}
        self.sections: dict[tuple[int, str, str | None, str, str | None], int] = {}
        self.said: dict[str, dict[str, Any]] = _said_of_events(request)

    def read(self, connection: Connection, mapping: Mapping[str, str], progress: _Progress) -> None:
        """Read the whole file into the staging tables."""
        reading = Reading(
            self.request.now, self.request.time_zone, self.request.bin_seconds or 1, self.request.defaults
        )
        outcome = self.outcome
        for batch in files.batches(self.path, mapping):
            judged = rows.judge(batch, reading)
            outcome.rows_read += len(judged.rows) + len(judged.refusals)
            outcome.rows_refused += len(judged.refusals)
            for event, said in judged.events.items():
                self.said.setdefault(event, {}).update(said)
            if len(judged.rows):
                imports.copy(connection, "staged_listings", imports.LISTINGS, self._listings(judged.rows))
            if judged.refusals:
                imports.copy(connection, "staged_refused", imports.REFUSED, self.refused(judged.refusals))
            if outcome.rows_refused and outcome.rows_refused == outcome.rows_read:
                reasons = "\n  ".join(imports.first_reasons(connection))
                raise ImportRefused(f"Not one of the first {outcome.rows_read:,} rows can be used:\n  {reasons}")
            progress(outcome.rows_read, "read", batch.share)
        imports.index_staged(connection)
        outcome.reasons = imports.first_reasons(connection)

    def refused(self, refusals: Iterable[Refusal]) -> pa.Table:
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
                    "payload": None if one.payload is None else f"\\x{payloads.packed(one.payload).hex()}",
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
            good.assign(event_no=event_nos[codes], section_no=section_nos[codes])[list(imports.LISTINGS)].astype(
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


def _said_of_events(request: Request) -> dict[str, dict[str, Any]]:
    """What the file of events says, by event; empty without one."""
    said: dict[str, dict[str, Any]] = {}
    if request.events is None:
        return said
    mapping = resolve(files.columns_of(request.events), {}, {}, required=["event"])
    reading = Reading(request.now, request.time_zone)
    wanted = {name: mapping[name] for name in ("event", *OF_EVENTS) if name in mapping}
    for batch in files.batches(request.events, wanted):
        for at, line in enumerate(batch.lines):
            try:
                values = {
                    name: rows.microseconds(value, reading) if name == "event_date" else rows.text(value, name)
                    for name, values in batch.columns.items()
                    if (value := values[at].as_py()) not in (None, "")
                }
            except ValueError as reason:
                raise ImportRefused(f"{request.events.name}, line {line}: a value {reason}.") from None
            if "event" in values:
                said[str(values.pop("event"))] = values
    return said


def _check(connection: Connection, staged: _Staged, captures: Captures) -> None:
    """Refuse a file that as a whole is not what it should be."""
    outcome, request = staged.outcome, staged.request
    if captures.empty:
        raise ImportRefused(f"{staged.path} has no row to import.")
    share = outcome.rows_refused / outcome.rows_read
    if share > request.most_refused:
        reasons = "\n  ".join(outcome.reasons)
        raise ImportRefused(
            f"{outcome.rows_refused:,} of {outcome.rows_read:,} rows are refused ({share:.0%}), the first:\n"
            f"  {reasons}\nMend the file or its mapping, or say --max-refused 100 to import the rest all the same."
        )
    if request.bin_seconds is None:
        ordered = captures.sort_values(["event_no", "second"])
        gaps = ordered["second"].diff()[ordered["event_no"].diff() == 0]
        close = int((gaps < TOO_CLOSE_SECONDS).sum())
        if close:
            raise ImportRefused(
                f"{close:,} of {len(captures):,} observations follow another of their event within a minute: that "
                "looks like one observation whose rows have different seconds, and each second would count as one, "
                "with most zones sold out. Say --every 10 to take together what falls into the same 10 minutes, or "
                "--every 0 if each second is an observation."
            )


def _events(connection: Connection, staged: _Staged, captures: Captures) -> dict[int, str]:
    """The events with an observation, event_no -> external id. Refuses those of which the date is not known."""
    named = {number: event for event, number in staged.events.items()}
    events = {int(number): named[int(number)] for number in captures["event_no"].unique()}
    known = imports.known_events(connection, staged.request.source)
    undated = [
        event for event in events.values() if event not in known and "event_date" not in staged.said.get(event, {})
    ]
    if undated:
        some = ", ".join(undated[:5]) + (" …" if len(undated) > 5 else "")
        raise ImportRefused(
            f"{len(undated):,} events have no date: {some}. Say when they begin: in a column "
            "(--map event_date=COLUMN), for all of them (--default event_date=2026-11-21T19:00Z), or in a file "
            "(--events FILE with the columns event, event_date and, if you like, event_name, venue, city, …)."
        )
    staged.outcome.events = len(events)
    return events


class _Writer:
    """Writes what is staged, some captures in each transaction."""

    def __init__(self, connection: Connection, staged: _Staged, file: str) -> None:
        self._connection, self._staged, self._file = connection, staged, file
        self._request, self._outcome = staged.request, staged.outcome

    def write(self, captures: Captures, events: Mapping[int, str], progress: _Progress) -> None:
        """Write every capture that is new or differs from what stands; the refusals go to quarantine."""
        connection, outcome = self._connection, self._outcome
        self._external_ids = events
        import_id = self._import_id = imports.start(
            connection,
            source=self._request.source,
            file=self._file,
            whole_inventory=self._request.whole_inventory,
            rows_read=outcome.rows_read,
            rows_refused=outcome.rows_refused,
        )
        self._make_dimensions(events)
        self._refused_zones = imports.staged_refusals(connection)
        captures = self._without_closed_months(captures)
        done, total = 0, int(captures["listings"].sum())
        for chunk in _chunks(captures):
            self._write_chunk(chunk)
            done += int(chunk["listings"].sum())
            progress(done, "written", done / total)
        imports.put_quarantine(connection, import_id, self._request.source, self._file)
        imports.finish(connection, import_id, **{name: outcome.captures[name] for name in
                       ("added", "replaced", "unchanged", "refused")})  # fmt: skip

    def _make_dimensions(self, events: Mapping[int, str]) -> None:
        """The events, zones and sections, in transactions of their own: a tick that runs beside waits for none."""
        connection, staged, source = self._connection, self._staged, self._request.source
        known = imports.known_events(connection, source)
        # what is watched, its marketplace knows better than a file
        watched = bool(catalogue.rules(connection, source))
        ours = [event for event in events.values() if event not in known or not watched]
        with connection.transaction():
            imports.put_events(connection, source, {event: _event_row(staged.said.get(event, {})) for event in ours})
        keys = imports.known_events(connection, source)
        self._event_keys = pd.Series({number: keys[event] for number, event in events.items()})
        sections = {kind: number for kind, number in staged.sections.items() if kind[0] in events}
        zones_known = imports.zones_by_name(connection, self._event_keys)
        zone_ids = {
            (event_no, zone, zone_id): zone_id or zones_known.get((self._event_keys[event_no], zone), zone)
            for event_no, zone, zone_id, _, _ in sections
        }
        there = {(key, external_id) for (key, _), external_id in zones_known.items()}
        seen = []
        for order, ((event_no, zone, _), external_id) in enumerate(zone_ids.items()):
            key = int(self._event_keys[event_no])
            # a zone that is known keeps the name that is shown
            seen.append(SeenZone(key, external_id, "" if (key, external_id) in there else zone, order))
        with connection.transaction():
            zone_keys = catalogue.ensure_zones(connection, seen)
            sections_known = imports.sections_by_name(connection, self._event_keys)
            places = {}
            for (event_no, zone, zone_id, section, section_id), number in sections.items():
                key = int(self._event_keys[event_no])
                zone_key = zone_keys[key, zone_ids[event_no, zone, zone_id]]
                external_id = section_id or sections_known.get((key, zone_key, section), section)
                places[number] = (key, zone_key, external_id), section, zone
            section_keys = catalogue.ensure_sections(
                connection, {place: section for place, section, _ in places.values()}
            )
        self._section_keys = pd.Series({number: section_keys[place] for number, (place, _, _) in places.items()})
        self._zones = {number: zone for number, (_, _, zone) in places.items()}

    def _without_closed_months(self, captures: Captures) -> Captures:
        """The captures whose months take rows; the others are left out and noted, a line for each month."""
        month = pd.to_datetime(captures["second"], unit="s", utc=True).dt.strftime("%Y-%m")
        firsts = [datetime.fromtimestamp(int(at), UTC) for at in captures.groupby(month)["second"].min()]
        partitions.ensure_partitions(self._connection, firsts, answers=False)
        refused = [f"{one:%Y-%m}" for one in months.refusals(self._connection, firsts)]
        if refused:
            left_out = month.isin(refused)
            self._note(
                [
                    Refusal(0, f"{int((month == name).sum()):,} captures are left out: {name} is not open. "
                               f"`tickettape restore {name}`, then import the file again")
                    for name in refused
                ]
            )  # fmt: skip
            self._outcome.captures["refused"] += int(left_out.sum())
            captures = captures[~left_out]
        return captures

    def _note(self, refusals: list[Refusal]) -> None:
        imports.copy(self._connection, "staged_refused", imports.REFUSED, self._staged.refused(refusals))

    def _write_chunk(self, chunk: Captures) -> None:
        first, last = (
            (int(second), int(event_no)) for second, event_no in chunk[imports.STAGED_KEY].to_numpy()[[0, -1]]
        )
        captures, sections = self._measured(chunk, imports.staged_listings(self._connection, first, last))
        with self._connection.transaction():
            ticks = [datetime.fromtimestamp(int(second), UTC) for second in captures["second"].unique()]
            if months.refusals(self._connection, ticks):
                raise ImportRefused("A month was closed while the import ran: what is written stays; import it again.")
            captures = self._to_write(captures, sections)
            if captures.empty:
                return
            written = sections.merge(captures[imports.KEY], on=imports.KEY)
            imports.write(self._connection, self._import_id, captures, written)
        self._outcome.partial += int((captures["status"] == "partial").sum())

    def _measured(self, chunk: Captures, listings: pd.DataFrame) -> tuple[Captures, pd.DataFrame]:
        """The captures of a chunk with their verdicts, and their sections' metrics."""
        named = listings["listing"].notna()
        doubles = named & listings.duplicated(["second", "event_no", "listing"], keep="last")
        self._outcome.doubles += int(doubles.sum())
        for_sale = listings[~doubles & (listings["quantity"] > 0)]
        inventory = for_sale[["event_no", "second", "section_no", "price", "quantity"]].assign(
            all_in=for_sale["all_in"].where(for_sale["all_in"] > 0)
        )
        for size in COUNTED_SIZES:
            inventory[size] = (for_sale["sells"] & size) > 0
        metrics = metrics_of(inventory, ["event_no", "second", "section_no"])
        sums = metrics.groupby(["event_no", "second"], as_index=False)[["total_listings", "total_tickets"]].sum()
        captures = chunk.merge(sums, on=["event_no", "second"], how="left").fillna(
            {"total_listings": 0, "total_tickets": 0}
        )
        captures = captures.drop(columns="listings").rename(
            columns={"total_listings": "listings", "total_tickets": "tickets"}
        )
        status = np.where(captures["listings"] > 0, "ok", "empty").astype(object)
        notes: list[str | None] = [None] * len(captures)
        if not self._request.whole_inventory:
            status[:] = "partial"
            notes = ["imported as part of what was for sale"] * len(captures)
        elif self._refused_zones:
            self._mark_incomplete(captures, metrics, chunk["listings"].to_numpy(), status, notes)
        captures = captures.assign(
            status=status, note=pd.Series(notes, dtype=object), event_key=captures["event_no"].map(self._event_keys)
        )
        sections = metrics.assign(
            event_key=metrics["event_no"].map(self._event_keys),
            section_key=metrics["section_no"].map(self._section_keys),
        )
        return captures, sections.drop(columns=["event_no", "section_no"])

    def _mark_incomplete(
        self, captures: Captures, metrics: pd.DataFrame, read: Any, status: Any, notes: list[str | None]
    ) -> None:
        """A capture that refused rows are missing from is partial: by the tolerance, or where a zone has only those."""
        zones_of: dict[tuple[int, int], set[str]] = {}
        of_refused = [key in self._refused_zones for key in zip(metrics["second"], metrics["event_no"], strict=True)]
        for second, event_no, section_no in metrics.loc[of_refused, ["second", "event_no", "section_no"]].to_numpy():
            zones_of.setdefault((second, event_no), set()).add(self._zones[section_no])
        for at, key in enumerate(zip(captures["second"], captures["event_no"], strict=True)):
            if key in self._refused_zones:
                refused, rows_of_it = self._refused_zones[key], len(self._refused_zones[key]) + int(read[at])
                gone = {zone for zone in refused if zone} - zones_of.get(key, set())
                if gone or len(refused) > self._request.tolerance * rows_of_it:
                    status[at] = "partial"
                    notes[at] = f"{len(refused)} of its {rows_of_it} rows were refused"

    def _to_write(self, captures: Captures, sections: pd.DataFrame) -> Captures:
        """Those that are not there as they are; the pipeline's own are left alone and noted."""
        standing = imports.lock_standing(self._connection, captures)
        keys = list(zip(captures["event_key"], captures["second"], strict=True))
        there = [standing.get(key) for key in keys]
        foreign = np.array([one is not None and not one.imported for one in there])
        ours = np.array([one is not None and one.imported for one in there])
        changed = np.array(
            [one is not None and one.status != status for one, status in zip(there, captures["status"], strict=True)]
        )
        if ours.any():
            stood = captures[ours]
            both = pd.concat(
                [
                    sections.merge(stood[imports.KEY], on=imports.KEY),
                    imports.stored_rows(self._connection, stood),
                ]
            )[["second", *imports.STORED]]
            differing = both.astype("Int64").fillna(-1).astype("int64").drop_duplicates(keep=False)
            moved = set(zip(differing["event_key"], differing["second"], strict=True))
            changed |= np.array([key in moved for key in keys])
        if foreign.any():
            self._note(
                [
                    Refusal(
                        0, "the pipeline captured this itself; an import does not replace it",
                        self._external_ids[event_no], int(second),
                    )
                    for event_no, second in zip(captures["event_no"][foreign], captures["second"][foreign], strict=True)
                ]
            )  # fmt: skip
        self._outcome.captures.update(
            added=int((~foreign & ~ours).sum()),
            replaced=int((ours & changed).sum()),
            unchanged=int((ours & ~changed).sum()),
            refused=int(foreign.sum()),
        )
        to_write: Captures = captures.assign(replaces=ours)[~foreign & (~ours | changed)]
        return to_write


def _event_row(said: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of an event by the catalogue's column names."""
    names = {"event_name": "name", "event_date": "date", "performer": "performer_name"}
    row = {names.get(name, name): value for name, value in said.items()}
    if "date" in row:
        row["date"] = datetime.fromtimestamp(row["date"] / 1e6, UTC)
    return row


def _chunks(captures: Captures) -> Iterable[Captures]:
    """Consecutive captures together, so many rows or captures in each."""
    by_rows = (captures["listings"].cumsum() - captures["listings"]) // ROWS_AT_ONCE
    by_captures = pd.Series(np.arange(len(captures)), index=captures.index) // CAPTURES_AT_ONCE
    number = by_rows.diff().ne(0) | by_captures.diff().ne(0)
    return (chunk for _, chunk in captures.groupby(number.cumsum(), sort=True))
