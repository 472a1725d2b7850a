"""`tickettape incidents`: what is wrong, what was, and whether messages get through."""

from typing import Annotated

import typer

from tickettape.cli.console import fail, say
from tickettape.database import Warehouse
from tickettape.incidents import newest_incidents, send_message
from tickettape.settings import settings

MOST_SHOWN = 20


def add_commands(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command(name="incidents")(incidents_command)


def incidents_command(
    test: Annotated[bool, typer.Option("--test", help="Send a message to INCIDENT_URLS, to see it arrive.")] = False,
) -> None:
    """List what is wrong and what was, newest first. Exit code 1 where something is wrong now."""
    if test:
        _send_test()
        return
    with Warehouse().connection() as connection:
        found = newest_incidents(connection, MOST_SHOWN)
    if settings().incident_urls is None:
        say("INCIDENT_URLS is not set: nobody is told.")
    for one in found:
        state = f"over since {one['ended_at']:%Y-%m-%d %H:%M}" if one["ended_at"] else "WRONG NOW"
        told = f"told {one['sent_at']:%Y-%m-%d %H:%M}" if one["sent_at"] else "not told"
        say(f"{state}, first {one['first_at']:%Y-%m-%d %H:%M} UTC, {told}: {one['title']}")
        if not one["ended_at"]:
            say(f"  {one['message']}")
    wrong = sum(one["ended_at"] is None for one in found)
    say(f"{wrong} incidents now." if wrong else "All is well.")
    raise typer.Exit(1 if wrong else 0)


def _send_test() -> None:
    urls = settings().incident_urls
    if urls is None:
        fail("INCIDENT_URLS is not set: put apprise URLs there, https://github.com/caronc/apprise lists them.", code=2)
    if not send_message(urls.get_secret_value(), "Tickettape: a test", "This is a test. Incidents will arrive here."):
        fail("No message got through: see the lines above, and check INCIDENT_URLS.")
    say("Sent.")
