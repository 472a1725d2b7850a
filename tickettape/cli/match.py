"""`tickettape match`: which events of two sources are one event."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from tickettape.catalogue import LinkError, decide_link, decide_venues, event_links, match_sources, undo_decision
from tickettape.cli.console import fail, failing_on, say
from tickettape.database import Warehouse

Side = Annotated[str, typer.Argument(metavar="SOURCE:ID", help="An event, such as vividseats:5990417.")]
Venue = Annotated[str, typer.Argument(metavar="SOURCE:ID", help="A venue, by its id at its source.")]

match = typer.Typer(help="Decide which events of two sources are the same.", no_args_is_help=True)


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(match, name="match")


@match.command()
def run() -> None:
    """Match the upcoming events of all sources. What people decided is left alone.

    The job link_events does the same every hour.
    """
    with Warehouse().connection() as connection:
        counts = match_sources(connection, datetime.now(UTC))
    say(f"New: {', '.join(f'{counts[state]} {state}' for state in ('automatic', 'proposed', 'ended'))}.")


@match.command(name="list")
def list_links(
    state: Annotated[
        str | None, typer.Option("--state", help="proposed, automatic, confirmed, refused or ended.")
    ] = None,
) -> None:
    """List the links with their rule, their evidence and who decided."""
    with Warehouse().connection() as connection:
        links = event_links(connection, state=state)
    say(f"{len(links)} link{'s' * (len(links) != 1)}.")
    for one in links:
        names = one.evidence.get("names", ["", ""])
        say(
            f"  {one.state:<9} {one.confidence:.2f}  {one.source}:{one.external_id} = "
            f"{one.other_source}:{one.other_external_id}  ({one.rule}; {one.decided_by}, {one.decided_at:%Y-%m-%d})"
        )
        if any(names):
            starts = " / ".join(str(start) for start in one.evidence.get("starts", []))
            say(f"            {names[0]} / {names[1]}, {one.evidence.get('day')} {starts}")


@match.command()
def confirm(one: Side, other: Side) -> None:
    """Say that two events are the same. This stays until it is undone."""
    _decide(one, other, "confirmed")


@match.command()
def refuse(one: Side, other: Side) -> None:
    """Say that two events are not the same. This stays, whatever a rule finds."""
    _decide(one, other, "refused")


@match.command()
def undo(one: Side, other: Side) -> None:
    """Take back the newest change of a link."""
    with failing_on(LinkError), Warehouse().connection() as connection:
        state = undo_decision(connection, _side(one), _side(other))
    say(f"{one} and {other}: {state}.")


@match.command()
def venue(
    one: Venue,
    other: Venue,
    different: Annotated[bool, typer.Option("--different", help="Say that they are not.")] = False,
) -> None:
    """Say that two venues are the same. The next run of the rules uses this."""
    with failing_on(LinkError), Warehouse().connection() as connection:
        decide_venues(connection, _side(one), _side(other), "refused" if different else "confirmed", getpass.getuser())
    say(f"{one} and {other} are {'two venues' if different else 'one venue'}.")


def _decide(one: str, other: str, state: str) -> None:
    with failing_on(LinkError), Warehouse().connection() as connection:
        decide_link(connection, _side(one), _side(other), state, getpass.getuser())
    say(f"{one} and {other}: {state}.")


def _side(text: str) -> tuple[str, str]:
    source, colon, external_id = text.partition(":")
    if not (source and colon and external_id):
        fail(f"{text!r} is not an id of a source. Write SOURCE:ID, such as vividseats:5990417.", code=2)
    return source, external_id
