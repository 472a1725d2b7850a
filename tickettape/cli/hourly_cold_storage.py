"""`tickettape bring-back-hours`: a month of hourly rollups from cold storage into the database, for a while."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from tickettape.archive import HourlyStorageError, bring_hours_back
from tickettape.cli.console import fail, say
from tickettape.database import Warehouse
from tickettape.file_storage import DamagedError, open_cold_storage
from tickettape.settings import settings

DAYS_BACK = 30  # how long they stay when nobody says


def add_commands(app: typer.Typer) -> None:
    """Give the command `tickettape` its word about hours."""
    app.command()(bring_back_hours)


def bring_back_hours(
    month: Annotated[datetime, typer.Argument(formats=["%Y-%m"], help="The month, as 2026-05.")],
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help=f"Stays through this day; unset: {DAYS_BACK} days.")
    ] = None,
) -> None:
    """Load a month of hours from cold storage. Retention leaves it alone until --until, then it goes again."""
    last: date = until.date() if until else datetime.now(UTC).date() + timedelta(days=DAYS_BACK)
    try:
        with Warehouse().connection() as connection:
            loaded = bring_hours_back(connection, open_cold_storage(settings()), month.date(), until=last)
    except (HourlyStorageError, DamagedError) as error:
        fail(str(error))
    for table, rows in loaded.items():
        say(f"{table}: {rows:,} rows of {month:%Y-%m} are back, through {last}.")
