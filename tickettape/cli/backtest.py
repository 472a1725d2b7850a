"""`tickettape backtest`: how the forecasts would have done on a file, or on a series that is stored here."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import psycopg
import typer

from tickettape.cli.console import fail, say
from tickettape.database import Connection, Warehouse, database_url, with_database
from tickettape.forecasts import ready, run_backtest, scratch_tables, write_report

LONGEST_IMPORT_SECONDS = 7_200
FOLDER = Path("target/backtest")


def add_commands(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(backtest)


def backtest(
    context: typer.Context,
    history: Annotated[
        str, typer.Argument(help="A file of price ranges, or the name of a source whose events are stored here.")
    ],
    folder: Annotated[Path, typer.Option("--folder", help="Where to write the report and its plots.")] = FOLDER,
) -> None:
    """Run the evaluation protocol over a history, and write a report. See docs/forecasts.md.

    A file is imported into a scratch database, which is dropped at the end: nothing of it stays. Other options are
    those of `tickettape import`, such as --map, --mapping, --time-zone and --default. A series is only read.
    """
    file = Path(history)
    if file.is_file():
        with _scratch_database() as url:
            _import(url, file, context.args)
            with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as connection:
                path = _report(connection, file.name, None, folder)
    else:
        with Warehouse().connection() as connection:
            events = [
                event_key
                for (event_key,) in connection.execute(
                    "select event_key from market.events where source = %s", [history]
                )
            ]
            if not events:
                known = [name for (name,) in connection.execute("select distinct source from market.events order by 1")]
                fail(f"{history} is neither a file nor a source that is stored here. Sources: {', '.join(known)}.", 2)
            path = _report(connection, history, events, folder)
    say(path.read_text())
    say(f"Written: {path}, with two plots beside it.")


def _report(connection: Connection, name: str, events: list[int] | None, folder: Path) -> Path:
    if not ready(connection):
        fail("dbt has made no daily prices yet. Run a tick first: `tickettape tick`.")
    with scratch_tables(connection):
        found = run_backtest(connection, events=events)
    return write_report(folder, name, found)


@contextmanager
def _scratch_database() -> Iterator[str]:
    """A new database beside the program's own. It is dropped at the end."""
    name, own = f"backtest_{uuid4().hex[:12]}", database_url()
    with psycopg.connect(own, autocommit=True) as connection:
        connection.execute(f"create database {name}")
        try:
            yield with_database(own, name)
        finally:
            connection.execute(f"drop database {name} with (force)")


def _import(url: str, file: Path, options: list[str]) -> None:
    """Import a file in a process of its own, which has the scratch database as its own."""
    command = [sys.executable, "-c", "from tickettape.cli import main; main()"]
    command += ["import", str(file), "--ranges", "--source", "backtest", *options]
    done = subprocess.run(  # noqa: S603
        command, env=os.environ | {"DATABASE_URL": url}, timeout=LONGEST_IMPORT_SECONDS, check=False
    )
    if done.returncode:
        fail(f"{file} could not be imported, so there is nothing to test. The lines above say why.", done.returncode)
