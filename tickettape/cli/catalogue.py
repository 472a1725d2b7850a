"""`tickettape catalogue`: ask a source of events without listings, on demand."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from tickettape.catalogue import discover_events
from tickettape.cli.console import EventId, PerformerId, Search, VenueId, fail, one_rule, say, show_found
from tickettape.database import Warehouse
from tickettape.marketplaces import MarketplaceError, open_catalogue
from tickettape.observations import floor_to_grid, forget_catalogue_entries, store_catalogue_entries
from tickettape.settings import settings

GRID = timedelta(minutes=10)  # asked again within it, a catalogue's new prices replace the first


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(catalogue)


def catalogue(
    source: Annotated[str, typer.Argument(help="The source, by its name in CATALOGUES.")],
    event: EventId = None,
    performer: PerformerId = None,
    venue: VenueId = None,
    search: Search = None,
) -> None:
    """Query a catalogue for events: their dates, whether they are on sale, and the prices of the first sale.

    Events and prices are kept for CATALOGUE_DAYS. This command also deletes older ones.
    """
    kind, value = one_rule(event, performer, venue, search)
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
    show_found(found)
    if any(forgotten):
        say(f"Deleted {forgotten[0]} price ranges and {forgotten[1]} events older than {days} days.")
