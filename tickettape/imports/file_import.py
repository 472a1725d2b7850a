"""Import a file: read, judge and stage its rows, check and report the whole file, then write it."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tickettape.database import Connection, try_lock
from tickettape.imports.currencies import currencies_of, currency_conflicts
from tickettape.imports.events import usable_events
from tickettape.imports.files import Columns, open_file
from tickettape.imports.looks import PAUSE_SECONDS, gather_looks
from tickettape.imports.mapping import RANGE_VALUES, REQUIRED_COLUMNS, known_columns, resolve_columns
from tickettape.imports.range_import import write_ranges
from tickettape.imports.range_staging import (
    StagedRanges,
    keep_ranges,
    mixed_kinds,
    settle_currencies,
    staged_range_events,
    stated_currencies,
)
from tickettape.imports.request import Captures, ImportOutcome, ImportRefused, ImportRequest
from tickettape.imports.sold_out import sold_out_by
from tickettape.imports.staging import Progress, StagedFile, StagedListings
from tickettape.imports.staging_tables import (
    grouped_refusal_reasons,
    make_staging_tables,
    refuse_events,
    staged_captures,
)
from tickettape.imports.writer import CaptureWriter

Told = Callable[[ImportOutcome], None]


def import_file(
    connection: Connection,
    path: Path,
    request: ImportRequest,
    say: Callable[[str], None],
    before_writing: Told = lambda outcome: None,
) -> ImportOutcome:
    """Import a file. Importing the same file again changes nothing; a corrected one replaces what it corrects.

    Everything is read and judged before anything is written. Then `before_writing` gets what will be written. Whole
    observations are written, some thousand in a transaction, so that an interrupted import continues when it is started
    again. Raises ImportRefused, FileError or MappingError. Then nothing was written, unless a month was closed or a
    currency was set while the import ran; the message says so.
    """
    started = time.monotonic()
    file = open_file(path, request.encoding)
    if file.note:
        say(file.note)
    mapping = resolve_columns(
        file.names,
        request.mapping,
        request.defaults,
        required=("event", "time") if request.ranges else REQUIRED_COLUMNS,
        known=known_columns(ranges=request.ranges),
        any_of=RANGE_VALUES if request.ranges else (),
    )
    with try_lock(connection, f"import {request.source}") as alone:
        if not alone:
            raise ImportRefused(f"Another import into {request.source} is running. Try again when it has ended.")
        make_staging_tables(connection)
        progress = Progress(say)
        if request.ranges:
            outcome = _import_ranges(connection, StagedRanges(request, file), mapping, progress, before_writing)
        else:
            outcome = _import_listings(connection, StagedListings(request, file), mapping, progress, before_writing)
    outcome.seconds = time.monotonic() - started
    return outcome


def _import_ranges(
    connection: Connection, staged: StagedRanges, mapping: Columns, progress: Progress, before_writing: Told
) -> ImportOutcome:
    outcome = staged.outcome
    staged.read(connection, mapping, progress)
    stated = stated_currencies(connection)
    named = {number: event for event, number in staged.events.items()}
    against = currency_conflicts(connection, staged.request, named, stated) | mixed_kinds(connection, named)
    events = _usable_events(connection, staged, "staged_ranges", staged_range_events(connection), against)
    kept = keep_ranges(connection)
    _check_refused(staged, kept.observations)
    settle_currencies(connection, currencies_of(connection, staged.request, events, stated))
    outcome.observations, outcome.whole, outcome.partial = kept.observations, kept.whole, kept.partial
    outcome.unpriced, outcome.repeats, outcome.corrections = kept.unpriced, kept.repeats, kept.corrections
    before_writing(outcome)
    if not staged.request.check_only:
        write_ranges(connection, staged, events, progress)
    return outcome


def _import_listings(
    connection: Connection, staged: StagedListings, mapping: Columns, progress: Progress, before_writing: Told
) -> ImportOutcome:
    outcome, request = staged.outcome, staged.request
    staged.read(connection, mapping, progress)
    outcome.changes += map(str, gather_looks(connection, staged))
    named = {number: event for event, number in staged.events.items()}
    against = currency_conflicts(connection, request, named, staged.currencies)
    numbers = staged_captures(connection)["event_no"].unique()
    events = _usable_events(connection, staged, "staged_listings", numbers, against)
    captures = staged_captures(connection)
    _check_refused(staged, len(captures))
    if request.bin_seconds is None:
        _check_spread(captures)
    currencies = currencies_of(connection, request, events, staged.currencies)
    outcome.observations = len(captures)
    outcome.sold_out = sold_out_by(connection, staged)
    writer = CaptureWriter(connection, staged)
    if request.check_only:
        writer.measure(captures)
    before_writing(outcome)
    if not request.check_only:
        writer.write(captures, events, currencies, progress)
    return outcome


def _usable_events(
    connection: Connection, staged: StagedFile, table: str, numbers: Iterable[int], against: Mapping[int, str]
) -> dict[int, str]:
    """The events that are imported; the rows of the others are refused."""
    events, refused = usable_events(connection, staged, numbers, against)
    if refused:
        staged.outcome.rows_refused += refuse_events(connection, table, staged.events, refused)
        staged.outcome.reasons = grouped_refusal_reasons(connection)
    return events


def _check_refused(staged: StagedFile, observations: int) -> None:
    """Refuse a file that has nothing to import, or too many refused rows."""
    outcome, request = staged.outcome, staged.request
    if not observations:
        raise ImportRefused(
            f"{staged.file.path} has no rows to import."
            + (
                f" None of its {outcome.rows_of_nothing:,} rows has a price or a count."
                if outcome.rows_of_nothing
                else ""
            )
        )
    share = outcome.rows_refused / outcome.rows_read
    if share > request.most_refused:
        reasons = "\n  ".join(outcome.reasons)
        raise ImportRefused(
            f"{outcome.rows_refused:,} of {outcome.rows_read:,} rows are refused ({share:.0%}). The first:\n  "
            f"{reasons}\nCorrect the file or its mapping, or add --max-refused 100 to import the other rows."
        )


def _check_spread(captures: Captures) -> None:
    """Refuse a file if the rows of one observation seem to have different seconds: each would be an observation."""
    ordered = captures.sort_values(["event_no", "second"])
    gaps = ordered["second"].diff()[ordered["event_no"].diff() == 0]
    close = int((gaps < PAUSE_SECONDS).sum())
    if close:
        raise ImportRefused(
            f"{close:,} of {len(captures):,} observations follow another one of the same event within a minute. That "
            "looks like one observation whose rows have different seconds. Each second would count as an observation "
            "of its own, and most zones would look sold out. Add --every 10 to combine rows within the same 10 "
            "minutes, or --every 0 if each second is an observation."
        )
