"""Write the staged listings as whole captures with their snapshots, some thousand in each transaction."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from tickettape.catalogue import OtherCurrencyError, SeenZone, ensure_sections, ensure_zones, fix_currencies
from tickettape.database import Connection, ensure_partitions, month_refusals
from tickettape.imports.events import make_events
from tickettape.imports.import_tables import (
    CAPTURE_KEY,
    STORED_COLUMNS,
    finish_import,
    lock_standing_captures,
    quarantine_staged_refusals,
    sections_by_name,
    start_import,
    stored_snapshots,
    unpack_captured_days,
    write_captures,
    zones_by_name,
)
from tickettape.imports.judged import RowRefusal
from tickettape.imports.request import Captures, ImportRefused
from tickettape.imports.staging import Progress, StagedListings
from tickettape.imports.staging_tables import (
    REFUSAL_COLUMNS,
    STAGED_KEY,
    LostRows,
    copy_table,
    staged_listings,
)
from tickettape.observations import COUNTED_SIZES, metrics_by_keys

ROWS_AT_ONCE = 200_000  # of a file, in one transaction: a second or two, some 100 MB
CAPTURES_AT_ONCE = 5_000


class CaptureWriter:
    """Writes the staged captures, some thousand in each transaction."""

    def __init__(self, connection: Connection, staged: StagedListings) -> None:
        self._connection, self._staged, self._file = connection, staged, staged.file.path.name
        self._request, self._outcome = staged.request, staged.outcome

    def write(
        self, captures: Captures, events: Mapping[int, str], currencies: Mapping[int, str], progress: Progress
    ) -> None:
        """Write every capture that is new or differs from the stored one. The refusals go to quarantine."""
        connection, outcome = self._connection, self._outcome
        self._external_ids = events
        import_id = self._import_id = start_import(
            connection,
            source=self._request.source,
            file=self._file,
            whole_inventory=self._request.whole_inventory,
            rows_read=outcome.rows_read,
            rows_refused=outcome.rows_refused,
        )
        self._make_dimensions(events, currencies)
        self._lost_rows = LostRows(connection)
        captures = self._without_closed_months(captures)
        done, total = 0, int(captures["listings"].sum())
        for chunk in _chunks(captures):
            self._write_chunk(chunk)
            done += int(chunk["listings"].sum())
            progress(done, "written", done / total)
        quarantine_staged_refusals(connection, import_id, self._request.source, self._file)
        finish_import(connection, import_id, **{name: outcome.captures[name] for name in
                       ("added", "replaced", "unchanged", "refused")})  # fmt: skip

    def measure(self, captures: Captures) -> None:
        """Find which captures would be whole and which partial; write nothing."""
        self._lost_rows = LostRows(self._connection)
        # nothing is written, so the staged numbers can stand for the keys
        self._event_keys = pd.Series({number: number for number in self._staged.events.values()})
        self._section_keys = pd.Series({number: number for number in self._staged.sections.values()})
        for chunk in _chunks(captures):
            first, last = _ends(chunk)
            measured, _ = self._measured(chunk, staged_listings(self._connection, first, last))
            self._outcome.partial += int((measured["status"] == "partial").sum())
        self._outcome.whole = len(captures) - self._outcome.partial

    def _make_dimensions(self, events: Mapping[int, str], currencies: Mapping[int, str]) -> None:
        """Add the events, zones and sections in transactions of their own, so that a tick meanwhile does not wait."""
        connection, staged = self._connection, self._staged
        self._event_keys = pd.Series(make_events(connection, staged, events))
        try:
            with connection.transaction():
                fix_currencies(connection, {int(self._event_keys[number]): currencies[number] for number in events})
        except OtherCurrencyError as error:  # it was set while this ran
            raise ImportRefused(f"{error}. Nothing was written; import the file again.") from error
        sections = {kind: number for kind, number in staged.sections.items() if kind[0] in events}
        zones_known = zones_by_name(connection, self._event_keys)
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
            zone_keys = ensure_zones(connection, seen)
            sections_known = sections_by_name(connection, self._event_keys)
            places = {}
            for (event_no, zone, zone_id, section, section_id), number in sections.items():
                key = int(self._event_keys[event_no])
                zone_key = zone_keys[key, zone_ids[event_no, zone, zone_id]]
                external_id = section_id or sections_known.get((key, zone_key, section), section)
                places[number] = (key, zone_key, external_id), section
            section_keys = ensure_sections(connection, dict(places.values()))
        self._section_keys = pd.Series({number: section_keys[place] for number, (place, _) in places.items()})

    def _without_closed_months(self, captures: Captures) -> Captures:
        """The captures whose months take rows; the others are left out and noted, a line for each month."""
        month = pd.to_datetime(captures["second"], unit="s", utc=True).dt.strftime("%Y-%m")
        firsts = [datetime.fromtimestamp(int(at), UTC) for at in captures.groupby(month)["second"].min()]
        ensure_partitions(self._connection, firsts, answers=False)
        refused = [f"{one:%Y-%m}" for one in month_refusals(self._connection, firsts)]
        if refused:
            left_out = month.isin(refused)
            self._note(
                [
                    RowRefusal(0, f"{int((month == name).sum()):,} captures are left out, because {name} is not open. "
                                  f"Run `tickettape restore {name}`, then import the file again")
                    for name in refused
                ]
            )  # fmt: skip
            self._outcome.captures["refused"] += int(left_out.sum())
            captures = captures[~left_out]
        return captures

    def _note(self, refusals: list[RowRefusal]) -> None:
        copy_table(self._connection, "staged_refused", REFUSAL_COLUMNS, self._staged.refused(refusals))

    def _write_chunk(self, chunk: Captures) -> None:
        first, last = _ends(chunk)
        captures, sections = self._measured(chunk, staged_listings(self._connection, first, last))
        with self._connection.transaction():
            ticks = [datetime.fromtimestamp(int(second), UTC) for second in captures["second"].unique()]
            if month_refusals(self._connection, ticks):
                raise ImportRefused(
                    "A month was closed while the import ran. The rows written so far stay. Import the file again."
                )
            # before the captures are locked: whoever reads answers takes the two in this order
            unpack_captured_days(self._connection, captures)
            captures = self._to_write(captures, sections)
            if captures.empty:
                return
            written = sections.merge(captures[CAPTURE_KEY], on=CAPTURE_KEY)
            write_captures(self._connection, self._import_id, captures, written)
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
        metrics = metrics_by_keys(inventory, ["event_no", "second", "section_no"])
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
        elif self._lost_rows:
            self._mark_incomplete(captures, chunk["listings"].to_numpy(), status, notes)
        captures = captures.assign(
            status=status, note=pd.Series(notes, dtype=object), event_key=captures["event_no"].map(self._event_keys)
        )
        sections = metrics.assign(
            event_key=metrics["event_no"].map(self._event_keys),
            section_key=metrics["section_no"].map(self._section_keys),
        )
        return captures, sections.drop(columns=["event_no", "section_no"])

    def _mark_incomplete(self, captures: Captures, read: Any, status: Any, notes: list[str | None]) -> None:
        """A capture that lost a row, or may have, is partial: that row may have been a zone's only one."""
        for at, (second, event_no) in enumerate(zip(captures["second"], captures["event_no"], strict=True)):
            if said := self._lost_rows.said_of(second, event_no, int(read[at])):
                status[at], notes[at] = "partial", said

    def _to_write(self, captures: Captures, sections: pd.DataFrame) -> Captures:
        """The captures that are new or have changed. A marketplace's own are left alone, and noted as refused."""
        standing = lock_standing_captures(self._connection, captures)
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
                    sections.merge(stood[CAPTURE_KEY], on=CAPTURE_KEY),
                    stored_snapshots(self._connection, stood),
                ]
            )[["second", *STORED_COLUMNS]]
            differing = both.astype("Int64").fillna(-1).astype("int64").drop_duplicates(keep=False)
            moved = set(zip(differing["event_key"], differing["second"], strict=True))
            changed |= np.array([key in moved for key in keys])
        if foreign.any():
            self._note(
                [
                    RowRefusal(
                        0, "the marketplace's own capture: an import does not replace it",
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


def _ends(chunk: Captures) -> tuple[tuple[int, int], tuple[int, int]]:
    """The first and the last (second, event_no) of a chunk."""
    first, last = ((int(second), int(event_no)) for second, event_no in chunk[STAGED_KEY].to_numpy()[[0, -1]])
    return first, last


def _chunks(captures: Captures) -> Iterable[Captures]:
    """Chunks of consecutive captures: about ROWS_AT_ONCE rows, and at most CAPTURES_AT_ONCE captures."""
    by_rows = (captures["listings"].cumsum() - captures["listings"]) // ROWS_AT_ONCE
    by_captures = pd.Series(np.arange(len(captures)), index=captures.index) // CAPTURES_AT_ONCE
    number = by_rows.diff().ne(0) | by_captures.diff().ne(0)
    return (chunk for _, chunk in captures.groupby(number.cumsum(), sort=True))
