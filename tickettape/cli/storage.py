"""`tickettape storage`: what takes how much room, how fast it grows, and until when the disk has room."""

from datetime import UTC, datetime

import typer

from tickettape.archive import StoredTable, cold_bytes, storage_tiers
from tickettape.cli.console import say
from tickettape.database import Warehouse, database_disk, table_sizes
from tickettape.file_storage import open_cold_storage
from tickettape.settings import settings


def add_commands(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(storage)


def storage() -> None:
    """Show what takes how much space: each table with its tier, its size, and how fast it grows.

    Tiers: hot (snapshots and other facts as rows), warm (packed days), rollups, cold (Parquet in cold storage), other.
    """
    chosen, now = settings(), datetime.now(UTC)
    stated = chosen.warehouse_disk_gb
    with Warehouse().connection() as connection:
        sizes, growth = table_sizes(connection, now)
        stored = storage_tiers(connection, sizes, cold_bytes(open_cold_storage(chosen)))
        disk = database_disk(connection, stated_bytes=int(stated * 1e9) if stated is not None else None)
    say(f"{'table':<40} {'tier':<8} {'MB':>10} {'rows':>14} {'bytes a row':>12} {'MB a day':>9}")
    for one in stored:
        say(line_of(one))
    say(f"In the database: {_megabytes(sum(one.bytes for one in stored if one.tier != 'cold'))} MB.")
    if disk is None:
        say("The free space of the disk is not known here. Set WAREHOUSE_DISK_GB to the size of the disk.")
    else:
        say(f"The disk has {disk.free / 1e9:,.1f} GB free{until_full(disk.free, growth)}.")


def line_of(one: StoredTable) -> str:
    """A line about a table."""
    rows = f"{one.rows:,}" if one.rows is not None else ""
    a_row = f"{one.bytes_a_row:,.1f}" if one.bytes_a_row is not None else ""
    growth = f"{one.growth_a_day / 1e6:,.1f}" if one.growth_a_day is not None else ""
    return f"{one.table:<40} {one.tier:<8} {_megabytes(one.bytes):>10} {rows:>14} {a_row:>12} {growth:>9}"


def until_full(free: int, growth_a_day: float | None) -> str:
    """When the disk will be full at this growth."""
    if growth_a_day is None:
        return "; the growth is known after a day of measurements"
    return f", and is full in {free / growth_a_day:,.0f} days" if growth_a_day > 0 else ", and nothing grows"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}"
