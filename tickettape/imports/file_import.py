"""Bring a file of listings into the warehouse: read, judge, stage; check the whole; then write capture by capture."""

import time
from collections.abc import Callable
from pathlib import Path

from tickettape.database import Connection, try_lock
from tickettape.imports.files import file_columns
from tickettape.imports.import_tables import known_events
from tickettape.imports.mapping import REQUIRED_COLUMNS, resolve_columns
from tickettape.imports.request import Captures, ImportOutcome, ImportRefused, ImportRequest
from tickettape.imports.staging import Progress, StagedFile
from tickettape.imports.staging_tables import make_staging_tables, staged_captures
from tickettape.imports.writer import CaptureWriter

TOO_CLOSE_SECONDS = 60  # nobody looks at a whole event twice within a minute: one look, spread over seconds


def import_file(
    connection: Connection, path: Path, request: ImportRequest, say: Callable[[str], None]
) -> ImportOutcome:
    """Import a file. The same file again changes nothing; a corrected one replaces what it corrects.

    Everything is read and judged before anything is written. Written are whole captures, some thousand in a
    transaction: an interrupted import goes on where it is started again. Raises ImportRefused, FileError or
    MappingError with nothing written.
    """
    started = time.monotonic()
    mapping = resolve_columns(file_columns(path), request.mapping, request.defaults, required=REQUIRED_COLUMNS)
    with try_lock(connection, f"import {request.source}") as alone:
        if not alone:
            raise ImportRefused(f"Another import into {request.source} is under way; try again when it has ended.")
        make_staging_tables(connection)
        staged = StagedFile(request, path)
        staged.read(connection, mapping, Progress(say))
        outcome = staged.outcome
        captures = staged_captures(connection)
        _check(connection, staged, captures)
        events = _events(connection, staged, captures)
        if not request.check_only:
            CaptureWriter(connection, staged, path.name).write(captures, events, Progress(say))
    outcome.seconds = time.monotonic() - started
    return outcome


def _check(connection: Connection, staged: StagedFile, captures: Captures) -> None:
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


def _events(connection: Connection, staged: StagedFile, captures: Captures) -> dict[int, str]:
    """The events with an observation, event_no -> external id. Refuses those of which the date is not known."""
    named = {number: event for event, number in staged.events.items()}
    events = {int(number): named[int(number)] for number in captures["event_no"].unique()}
    known = known_events(connection, staged.request.source)
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
