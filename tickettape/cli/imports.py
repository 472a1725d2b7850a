"""`tickettape import`: a person's own history of listings, from CSV or Parquet."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from tickettape.catalogue import tracking_rules
from tickettape.cli.console import fail, say
from tickettape.cli.refresh import refresh_all
from tickettape.database import Warehouse
from tickettape.marketplaces import FORMATS
from tickettape.settings import settings


def add_commands(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command(name="import")(import_)


def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV (.gz too) or Parquet, UTF-8.")],
    source: Annotated[str, typer.Option("--source", help="The name to file its events under.")],
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS,…", help="Which column is which, where the names differ."),
    ] = None,
    default: Annotated[
        list[str] | None,
        typer.Option("--default", metavar="OURS=VALUE", help="What holds where the file says nothing."),
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option("--events", exists=True, dir_okay=False, help="What is known of the events: event, event_date, …"),
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", help="Of times that name none: UTC, America/New_York, …")
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(
            "--every", min=0, max=60, metavar="MINUTES",
            help="Round times down to this UTC grid; 0: every second is an observation.",
        ),
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Observations hold only a part of what was for sale: no rollups of them.")
    ] = False,
    into_marketplace: Annotated[
        bool, typer.Option("--into-marketplace", help="Add to events that are watched; never over their own captures.")
    ] = False,
    max_refused: Annotated[
        float, typer.Option("--max-refused", min=0, max=100, help="Percent of refused rows that is still imported.")
    ] = 10,
    check: Annotated[bool, typer.Option("--check", help="Read and judge the file; write nothing.")] = False,
) -> None:  # fmt: skip
    """Import listings seen in the past: event, time, zone, section, price, quantity. See docs/import.md.

    Refused rows go to quarantine with their line and the reason. The same file again changes nothing; a corrected
    one replaces its observations.
    """
    # pyarrow and pandas: `tickettape track` need not wait for them
    from tickettape.imports import FileError, ImportRefused, ImportRequest, MappingError, import_file, parse_pairs

    now = datetime.now(UTC)
    try:
        request = ImportRequest(
            source=source,
            now=now,
            mapping=parse_pairs(columns or [], several_in_one=True),
            defaults=parse_pairs(default or [], several_in_one=False),
            events=events,
            time_zone=ZoneInfo(time_zone) if time_zone else None,
            bin_seconds=None if every is None else max(every * 60, 1),
            whole_inventory=not partial,
            most_refused=max_refused / 100,
            tolerance=settings().partial_tolerance,
            check_only=check,
        )
    except MappingError as error:
        fail(str(error), code=2)
    except (ZoneInfoNotFoundError, ValueError):
        fail(f"{time_zone!r} is no time zone; write UTC or a name like America/New_York.", code=2)
    with Warehouse().connection() as connection:
        watched = source in (*FORMATS, *settings().sources) or bool(tracking_rules(connection, source))
        if watched and not into_marketplace:
            fail(
                f"{source} is a marketplace's name, and its history would mix with yours. Choose another --source, or "
                "say --into-marketplace if these are observations of the very events it names, by their ids.",
                code=2,
            )
        try:
            outcome = import_file(connection, file, request, say)
        except (ImportRefused, FileError, MappingError) as error:
            fail(f"{file.name} is not imported. {error}")
        captures = outcome.captures
        say(
            f"{file.name}: {outcome.rows_read:,} rows of {outcome.events:,} events in {outcome.seconds:,.1f} s "
            f"({outcome.rows_read / outcome.seconds:,.0f} a second), {outcome.rows_refused:,} refused."
        )
        for reason in outcome.reasons:
            say(f"  {reason}")
        if outcome.doubles:
            say(f"  {outcome.doubles:,} listings stood twice in an observation: the one seen last counts.")
        if check:
            say("Nothing was written (--check).")
            return
        say(
            f"Captures: {captures['added']:,} added, {captures['replaced']:,} replaced, "
            f"{captures['unchanged']:,} unchanged, {captures['refused']:,} left out; {outcome.partial:,} of those "
            "written are partial."
        )
        refresh_all(connection)
