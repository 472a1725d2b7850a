"""`tickettape months`, `archive`, `reopen`, `restore` and `release`: old months into cold storage, and back."""

from datetime import UTC, date, datetime
from typing import Annotated

import typer

from tickettape.archive import (
    ArchiveError,
    RestoreError,
    release_month,
    reopen_month,
    replay_archived_month,
    run_archive,
    run_restore,
)
from tickettape.cli.console import fail, say
from tickettape.cli.refresh import refresh_once
from tickettape.database import BusyError, Warehouse, known_months, refusal_of
from tickettape.file_storage import DamagedError, FullDiskError
from tickettape.marketplaces import open_marketplaces
from tickettape.settings import settings

FAILURES = (ArchiveError, RestoreError, DamagedError, BusyError, OSError)

MonthArgument = Annotated[str, typer.Argument(metavar="MONTH", help="A UTC month, such as 2026-03.")]


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (months, archive, reopen, restore, release):
        app.command()(command)


def months() -> None:
    """List the months, and whether each is open, closed, archived or restored."""
    with Warehouse().connection() as connection:
        for month in known_months(connection, now=datetime.now(UTC)):
            pinned = ", pinned" if month.pinned else ""
            step = f" ({month.step} {month.reached_at:%Y-%m-%d %H:%M} UTC)" if month.step else ""
            say(f"{month.month:%Y-%m}  {month.state}{pinned}{step}")


def archive(month: MonthArgument) -> None:
    """Move a month to cold storage.

    Its files are written, read back and compared. Only then is the month removed from the database.
    """

    try:
        outcome = run_archive(Warehouse(), settings(), _month(month), refresh=refresh_once, say=say)
    except FAILURES as error:
        fail(_words_for(error))
    for name, value in outcome.figures.items():
        say(f"  {name}: {value}")
    kept = "" if outcome.step == "dropped" else f" Its tables are kept for {settings().keep_detached_days} more days."
    say(f"{month} is in cold storage ({settings().cold_storage}).{kept}")


def reopen(month: MonthArgument) -> None:
    """Reopen a month that an unfinished archive has closed.

    The month takes rows again, and the rows that were held for it meanwhile are read.
    """

    try:
        with Warehouse().connection() as connection:
            reopen_month(connection, _month(month))
            replayed = sum(
                replay_archived_month(
                    connection, each.marketplace, _month(month), each.settings.partial_tolerance, "tickettape reopen"
                )
                for each in open_marketplaces(settings()).values()
            )
    except FAILURES as error:
        fail(_words_for(error))
    say(f"{month} is open again. {replayed} late answers were read.")


def restore(
    month: MonthArgument,
    until: Annotated[
        str | None, typer.Option(help="Keep the month until the end of this day, such as 2026-12-31.")
    ] = None,
    replay_late: Annotated[
        bool, typer.Option("--replay-late", help="Also read the rows that came for the month while it was archived.")
    ] = False,
) -> None:
    """Bring a month back from cold storage, and compare it with its manifest.

    The month stays until the day given by --until, or until `tickettape release`.
    """

    try:
        figures = run_restore(
            Warehouse(),
            settings(),
            open_marketplaces(settings()),
            _month(month),
            until=_day(until) if until else None,
            replay_late=replay_late,
            run_id="tickettape restore",
            say=say,
        )
    except FAILURES as error:
        fail(_words_for(error))
    for name, value in figures.items():
        say(f"  {name}: {value}")
    say(f"{month} is restored. It stays until {f'the end of {until}' if until else '`tickettape release`'}.")


def release(month: MonthArgument) -> None:
    """Unpin a restored month, so that the archive takes it again when it is old enough."""
    try:
        with Warehouse().connection() as connection:
            release_month(connection, _month(month))
    except FAILURES as error:
        fail(_words_for(error))
    say(f"{month} is released. The archive takes it once it is {settings().raw_months} months old.")


def _words_for(error: Exception) -> str:
    """Why it failed. A full disk of the cold storage names the file; any other full disk is explained too."""
    refusal = None if isinstance(error, FullDiskError) else refusal_of(error)
    return str(refusal or error)


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        fail(f"{text} is not a month. Write it like 2026-03.", code=2)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{text} is not a day. Write it like 2026-12-31.", code=2)
