"""`tickettape import`: import a history of listings or price ranges from CSV or Parquet."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickettape.catalogue import tracking_rules
from tickettape.cli.console import fail, say
from tickettape.cli.import_report import what_it_brings, what_it_brought
from tickettape.cli.refresh import refresh_all
from tickettape.database import Warehouse
from tickettape.marketplaces import FORMATS
from tickettape.settings import settings

if TYPE_CHECKING:
    from tickettape.imports import ImportOutcome


def add_commands(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command(name="import")(import_)


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="The file: CSV (also .gz), tab- or blank-separated text, or Parquet."
        ),
    ],
    source: Annotated[str, typer.Option("--source", help="The name under which to store the events.")],
    ranges: Annotated[
        bool | None,
        typer.Option(
            "--ranges/--listings",
            help="Whether the file holds price ranges (lowest, average, highest, counts) or listings.",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="OURS=THEIRS,…",
            help="Map our column names to the file's. time=DATE+TIME joins two columns.",
        ),
    ] = None,
    default: Annotated[
        list[str] | None,
        typer.Option("--default", metavar="OURS=VALUE", help="A value for rows in which the file has none."),
    ] = None,
    event: Annotated[
        str | None, typer.Option("--event", help="The event of all rows. Same as --default event=…")
    ] = None,
    market: Annotated[
        str | None, typer.Option("--market", help="resale or primary, for price ranges. Same as --default market=…")
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(
            "--events", exists=True, dir_okay=False, help="A file that describes the events: event, event_date, …"
        ),
    ] = None,
    time_format: Annotated[
        list[str] | None,
        typer.Option(
            "--time-format",
            metavar="FORMAT",
            help="The format of times that are not ISO: '%m/%d/%y %H:%M'. Repeat it if the file has several formats.",
        ),
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", help="The zone of times that name none: UTC, America/New_York, …")
    ] = None,
    event_date_format: Annotated[
        list[str] | None,
        typer.Option("--event-date-format", metavar="FORMAT", help="Like --time-format, for event dates."),
    ] = None,
    event_date_zone: Annotated[
        str | None, typer.Option("--event-date-zone", help="The zone of event dates, if it is not --time-zone.")
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(
            "--every",
            min=0,
            max=60,
            metavar="MINUTES",
            help="Round times down to multiples of this many minutes (UTC). 0: each second is an observation.",
        ),
    ] = None,
    partial: Annotated[
        bool | None,
        typer.Option(
            "--partial/--whole",
            help="Whether the file holds only a part of what was for sale (then no rollup uses it), or all.",
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            "--encoding", help="The encoding of the text, if it is not UTF-8 and the guess is wrong: cp1250, …"
        ),
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option("--mapping", metavar="NAME|FILE.toml", help="Use a saved mapping. Other options take precedence."),
    ] = None,
    save_mapping_as: Annotated[
        str | None,
        typer.Option("--save-mapping", metavar="NAME", help="Save these options as a mapping for the next file."),
    ] = None,
    into_marketplace: Annotated[
        bool,
        typer.Option(
            "--into-marketplace",
            help="Add to the events of a watched marketplace. Its own captures are never replaced.",
        ),
    ] = False,
    max_refused: Annotated[
        float,
        typer.Option(
            "--max-refused", min=0, max=100, help="Import nothing if more than this percentage of rows is refused."
        ),
    ] = 10,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be imported, and write nothing.")] = False,
    check: Annotated[bool, typer.Option("--check", hidden=True)] = False,
) -> None:
    """Import listings or price ranges that were seen in the past. See docs/import.md.

    A file of listings needs the columns event, time, zone, section, price and quantity. With --ranges it needs event,
    time, and at least one of lowest_price, average_price, highest_price, listings and tickets. Refused rows go to
    quarantine, with their line number and the reason. Importing the same file again changes nothing. A corrected file
    replaces its observations.
    """
    # imported here, so that other commands need not wait for pyarrow and pandas
    from tickettape.imports import (
        FileError,
        ImportRefused,
        ImportRequest,
        MappingError,
        SavedMapping,
        check_name,
        import_file,
        known_columns,
        load_mapping,
        parse_pairs,
        save_mapping,
    )

    home = settings().home
    dry = dry_run or check
    try:
        if save_mapping_as is not None:
            check_name(save_mapping_as)
        saved = load_mapping(mapping, home) if mapping else SavedMapping()
        kind = (saved.kind or "listings") if ranges is None else "ranges" if ranges else "listings"
        known = known_columns(ranges=kind == "ranges")
        defaults = [*(default or []), *(f"{name}={value}" for name, value in (("event", event), ("market", market))
                                        if value is not None)]  # fmt: skip
        how = saved.overruled(
            SavedMapping(
                kind=kind,
                columns=parse_pairs(columns or [], several_in_one=True, known=known),
                defaults=parse_pairs(defaults, several_in_one=False, known=known),
                time_formats=tuple(time_format) if time_format else None,
                time_zone=time_zone,
                event_date_formats=tuple(event_date_format) if event_date_format else None,
                event_date_zone=event_date_zone,
                every=every,
                partial=partial,
                encoding=encoding,
            )
        ).checked()
        request = ImportRequest(
            source=source,
            now=datetime.now(UTC),
            mapping=how.columns,
            defaults=how.defaults,
            events=events,
            time_zone=how.zone("time_zone"),
            time_formats=how.time_formats or (),
            event_date_formats=how.event_date_formats or (),
            event_date_zone=how.zone("event_date_zone"),
            bin_seconds=None if how.every is None else max(how.every * 60, 1),
            whole_inventory=not how.partial,
            most_refused=max_refused / 100,
            encoding=how.encoding,
            ranges=how.ranges,
            check_only=dry,
            into_marketplace=into_marketplace,
        )
    except MappingError as error:
        fail(str(error), code=2)
    with Warehouse().connection() as connection:
        watched = source in (*FORMATS, *settings().sources) or bool(tracking_rules(connection, source))
        if watched and not into_marketplace:
            fail(
                f"{source} is the name of a marketplace, and its history would mix with yours. Choose another "
                "--source. If "
                "the file holds observations of the marketplace's own events, by their ids, add --into-marketplace.",
                code=2,
            )

        def before_writing(outcome: "ImportOutcome") -> None:
            for line in what_it_brings(file.name, outcome, request):
                say(line)

        try:
            outcome = import_file(connection, file, request, say, before_writing)
        except (ImportRefused, FileError, MappingError) as error:
            fail(f"{file.name} was not imported. {error}")
        if save_mapping_as is not None:
            save_mapping(how, save_mapping_as, home, like=mapping)
            say(f"Saved the mapping {save_mapping_as}. Use it with --mapping {save_mapping_as}.")
        if dry:
            say("Nothing was written (--dry-run).")
            return
        say(what_it_brought(outcome, request))
        refresh_all(connection)
