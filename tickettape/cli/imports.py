"""`tickettape import`: a person's own history of listings or of price ranges, from CSV or Parquet."""

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
    """Put the commands of this module on the command line."""
    app.command(name="import")(import_)


def import_(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV (.gz too), tab or blank separated, or Parquet.")
    ],
    source: Annotated[str, typer.Option("--source", help="The name to file its events under.")],
    ranges: Annotated[
        bool | None,
        typer.Option("--ranges/--listings", help="Price ranges (lowest, average, highest, counts), or listings."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS,…", help="Which column is which; time=DATE+TIME joins two."),
    ] = None,
    default: Annotated[
        list[str] | None,
        typer.Option("--default", metavar="OURS=VALUE", help="What holds where the file says nothing."),
    ] = None,
    event: Annotated[
        str | None, typer.Option("--event", help="The event that all rows are of: as --default event=…")
    ] = None,
    market: Annotated[
        str | None, typer.Option("--market", help="Of price ranges: resale or primary; as --default market=…")
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option("--events", exists=True, dir_okay=False, help="What is known of the events: event, event_date, …"),
    ] = None,
    time_format: Annotated[
        list[str] | None,
        typer.Option("--time-format", metavar="FORMAT", help="Of times that are not ISO: '%m/%d/%y %H:%M'; again for "
                     "another style in the file."),
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", help="Of times that name none: UTC, America/New_York, …")
    ] = None,
    event_date_format: Annotated[
        list[str] | None, typer.Option("--event-date-format", metavar="FORMAT", help="The same of event dates.")
    ] = None,
    event_date_zone: Annotated[
        str | None, typer.Option("--event-date-zone", help="Of event dates, where it is not --time-zone.")
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(
            "--every", min=0, max=60, metavar="MINUTES",
            help="Round times down to this UTC grid; 0: every second is an observation.",
        ),
    ] = None,
    partial: Annotated[
        bool | None,
        typer.Option("--partial/--whole", help="Of listings: a part of what was for sale (no rollups), or all of it."),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", help="Of text that is not UTF-8, where the guess is wrong: cp1250, …")
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option("--mapping", metavar="NAME|FILE.toml", help="Read as a saved mapping says; options win over it."),
    ] = None,
    save_mapping_as: Annotated[
        str | None, typer.Option("--save-mapping", metavar="NAME", help="Keep how the file was read, for the next one.")
    ] = None,
    into_marketplace: Annotated[
        bool, typer.Option("--into-marketplace", help="Add to events that are watched; never over their own captures.")
    ] = False,
    max_refused: Annotated[
        float, typer.Option("--max-refused", min=0, max=100, help="Percent of refused rows that is still imported.")
    ] = 10,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be imported; write nothing.")] = False,
    check: Annotated[bool, typer.Option("--check", hidden=True)] = False,
) -> None:  # fmt: skip
    """Import listings, or price ranges, that were seen in the past. See docs/import.md.

    Listings: event, time, zone, section, price, quantity. With --ranges: event, time, and some of lowest_price,
    average_price, highest_price, listings, tickets. Refused rows go to quarantine with their line and the reason. The
    same file again changes nothing; a corrected one replaces its observations.
    """
    # pyarrow and pandas: `tickettape track` need not wait for them
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
                f"{source} is a marketplace's name, and its history would mix with yours. Choose another --source, or "
                "say --into-marketplace if these are observations of the very events it names, by their ids.",
                code=2,
            )

        def before_writing(outcome: "ImportOutcome") -> None:
            for line in what_it_brings(file.name, outcome, request):
                say(line)

        try:
            outcome = import_file(connection, file, request, say, before_writing)
        except (ImportRefused, FileError, MappingError) as error:
            fail(f"{file.name} is not imported. {error}")
        if save_mapping_as is not None:
            save_mapping(how, save_mapping_as, home, like=mapping)
            say(f"Saved as the mapping {save_mapping_as}: --mapping {save_mapping_as}")
        if dry:
            say("Nothing was written (--dry-run).")
            return
        say(what_it_brought(outcome, request))
        refresh_all(connection)
