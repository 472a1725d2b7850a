"""`tickettape incidents`: current and past incidents, and a test of the messages about them."""

from typing import Annotated

import typer

from tickettape.cli.console import fail, say
from tickettape.database import Warehouse
from tickettape.incidents import newest_incidents, send_message
from tickettape.settings import settings

MOST_SHOWN = 20


def add_commands(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command(name="incidents")(incidents_command)


def incidents_command(
    test: Annotated[bool, typer.Option("--test", help="Send a test message to INCIDENT_URLS.")] = False,
) -> None:
    """List current and past incidents, newest first. The exit code is 1 if there is a current one."""
    if test:
        _send_test()
        return
    with Warehouse().connection() as connection:
        found = newest_incidents(connection, MOST_SHOWN)
    if settings().incident_urls is None:
        say("INCIDENT_URLS is not set: incidents are not reported to anyone.")
    for one in found:
        state = f"ended {one['ended_at']:%Y-%m-%d %H:%M}" if one["ended_at"] else "WRONG NOW"
        told = f"reported {one['sent_at']:%Y-%m-%d %H:%M}" if one["sent_at"] else "not reported"
        say(f"{state}, first {one['first_at']:%Y-%m-%d %H:%M} UTC, {told}: {one['title']}")
        if not one["ended_at"]:
            say(f"  {one['message']}")
    wrong = sum(one["ended_at"] is None for one in found)
    say(f"{wrong} current incident{'s' * (wrong != 1)}." if wrong else "No current incidents.")
    raise typer.Exit(1 if wrong else 0)


def _send_test() -> None:
    urls = settings().incident_urls
    if urls is None:
        fail("INCIDENT_URLS is not set. Set it to apprise URLs; see https://github.com/caronc/apprise.", code=2)
    if not send_message(urls.get_secret_value(), "Tickettape: a test", "This is a test. Incidents will arrive here."):
        fail("The message could not be sent: see the lines above, and check INCIDENT_URLS.")
    say("Sent.")
