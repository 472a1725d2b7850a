"""`tickettape health`: check that ticks still start, for a container's health check or a cron job elsewhere."""

from datetime import UTC, datetime, timedelta

import typer

from tickettape.cli.console import say
from tickettape.database import Warehouse
from tickettape.incidents import missing_signs
from tickettape.settings import settings


def add_commands(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(health)


def health() -> None:
    """Check that ticks start in time and that incidents are looked for. The exit code is 1 if not.

    It only asks the database, so it also works when Dagster is gone.
    """
    chosen = settings()
    intervals = {
        source: timedelta(minutes=chosen.of_source(source).scraper_interval_minutes) for source in chosen.sources
    }
    with Warehouse().connection() as connection:
        wrong = missing_signs(connection, intervals, datetime.now(UTC))
    for sentence in wrong:
        say(sentence)
    if wrong:
        raise typer.Exit(1)
    say("Well: ticks start in time, and incidents are looked for.")
