"""`tickettape catalogue`: ask a source of events without listings, on demand."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from tickettape.catalogue import discover_events
from tickettape.cli.console import fail, say
from tickettape.database import Warehouse
from tickettape.marketplaces import MarketplaceError, open_catalogue
from tickettape.observations import floor_to_grid, forget_catalogue_entries, store_catalogue_entries
from tickettape.settings import settings

GRID = timedelta(minutes=10)


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(catalogue)


def catalogue(
    source: Annotated[str, typer.Argument(help="The source, by its name in CATALOGUES.")],
    event: Annotated[str | None, typer.Option("--event", help="One event, by its id.")] = None,
    performer: Annotated[str | None, typer.Option("--performer", help="All events of one performer.")] = None,
    venue: Annotated[str | None, typer.Option("--venue", help="All events at one venue.")] = None,
    search: Annotated[str | None, typer.Option("--search", help="All events that match a search text.")] = None,
) -> None:
    """Query a catalogue for events: their dates, whether they are on sale, and the prices of the first sale.

    Events and prices are kept for CATALOGUE_DAYS. This command also deletes older ones.
    """
    rules = {"event": event, "performer": performer, "venue": venue, "search": search}
    given = [(kind, value) for kind, value in rules.items() if value]
    if len(given) != 1:
        fail("Give exactly one of --event, --performer, --venue and --search.", code=2)
    ((kind, value),) = given
    try:
        opened = open_catalogue(settings(), source)
    except ValueError as error:
        fail(str(error), code=2)
    try:
        found = asyncio.run(discover_events(opened, kind, value))
    except MarketplaceError as error:
        fail(f"Cannot ask {source} for {kind} {value}: {error}")
    now = datetime.now(UTC)
    days = settings().of_source(source).catalogue_days
    with Warehouse().connection() as connection:
        ranges = store_catalogue_entries(connection, source, found.events, floor_to_grid(GRID, now))
        forgotten = forget_catalogue_entries(connection, source, now - timedelta(days=days))
    say(f"{source} lists {len(found.events)} events for {kind} {value}, {ranges} with a price range.")
    for one in found.events[:20]:
        when = f"{one.date:%Y-%m-%d %H:%M} UTC" if one.date else "date not yet known"
        say(f"  {one.external_id}  {when}  {one.sales_state or ''}  {one.name}, {one.venue or 'venue unknown'}")
    if len(found.events) > 20:
        say(f"  … and {len(found.events) - 20} more")
    for refused in found.refused:
        say(f"  left out: {refused}")
    if any(forgotten):
        say(f"Deleted {forgotten[0]} price ranges and {forgotten[1]} events older than {days} days.")
