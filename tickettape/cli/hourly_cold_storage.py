"""`tickettape bring-back-hours`: a month of hourly rollups from cold storage into the database, for a while."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from tickettape.archive import HourlyStorageError, bring_hours_back
from tickettape.cli.console import fail, say
from tickettape.database import Warehouse
from tickettape.file_storage import DamagedError, open_cold_storage
from tickettape.settings import settings

DAYS_BACK = 30  # how long they stay without --until


def add_commands(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(bring_back_hours)


def bring_back_hours(
    month: Annotated[datetime, typer.Argument(formats=["%Y-%m"], help="A UTC month, such as 2026-05.")],
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help=f"Keep the hours until the end of this day. Default: {DAYS_BACK} days from now."
        ),
    ] = None,
) -> None:
    """Load a month of hourly rollups from cold storage.

    Retention removes them again after the day given by --until.
    """
    last: date = until.date() if until else datetime.now(UTC).date() + timedelta(days=DAYS_BACK)
    try:
        with Warehouse().connection() as connection:
            loaded = bring_hours_back(connection, open_cold_storage(settings()), month.date(), until=last)
    except (HourlyStorageError, DamagedError) as error:
        fail(str(error))
    for table, rows in loaded.items():
        say(f"{table}: {rows:,} rows of {month:%Y-%m} are back until the end of {last}.")
