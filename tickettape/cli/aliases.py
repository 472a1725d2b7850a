"""`tickettape aliases`: list the zones and sections that have a new id, or undo an alias."""

import getpass
from typing import Annotated

import typer

from tickettape.catalogue import find_event, place_aliases, undo_alias
from tickettape.cli.console import SourceOption, fail, say, sources_of
from tickettape.cli.refresh import refresh_all
from tickettape.database import Warehouse


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(aliases)


def aliases(
    event: Annotated[str | None, typer.Option("--event", help="One event only, by the marketplace's id.")] = None,
    undo: Annotated[
        str | None, typer.Option("--undo", metavar="ZONE", help="Keep the zones of this name apart from now on.")
    ] = None,
    section: Annotated[
        str, typer.Option("--section", help="With --undo: not the zone, but its sections of this name.")
    ] = "",
    source: SourceOption = None,
) -> None:
    """List the new ids of known zones and sections, and the names for which no alias is made."""
    if undo is not None:
        _undo(event, undo, section, source)
        return
    for each in sources_of(source):
        with Warehouse().connection() as connection:
            found = place_aliases(connection, each, event)
        made = sum(one["kind"] != "none" for one in found)
        say(f"On {each}: {made} aliases, {len(found) - made} names that are borne by several places.")
        for one in found:
            since = f"since {one['since']:%Y-%m-%d %H:%M} UTC" if one["since"] else "by hand"
            what = "no alias for" if one["kind"] == "none" else f"{one['kind']} {one['id']} is"
            say(f"  {one['event']:>9}  {what} {one['place']}, {since}: {one['why']}")


def _undo(event: str | None, zone: str, section: str, source: str | None) -> None:
    (each, *others) = sources_of(source)
    if event is None or others:
        fail("Which event? Name it with --event, and its marketplace with --source if several are watched.")
    with Warehouse().connection() as connection:
        found = find_event(connection, each, event)
        if found is None:
            fail(f"No event {event} of {each} is known.")
        if not undo_alias(connection, found.event_key, zone, section, f"kept apart by {getpass.getuser()}"):
            fail(f"Event {event} has no alias of that name: `tickettape aliases --event {event}` lists them.")
        refresh_all(connection)
    say(f"Kept apart from now on: {': '.join(filter(None, [zone, section]))} of event {event}.")
