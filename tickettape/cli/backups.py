"""`tickettape backup`, `backups`, `prove-backup`, `restore-backup`: the warehouse's dumps, by hand.

Restoring never writes into a database that exists: it makes a new one, compares it with the backup, and only
then gives it the name that was asked for.
"""

from datetime import UTC, datetime
from typing import Annotated

import typer

from tickettape.backups import (
    Backup,
    BackupError,
    all_backups,
    expire_backups,
    make_backup,
    prove_backup,
    read_proof,
    restore_backup,
)
from tickettape.box_office import erase_again
from tickettape.cli.console import fail, say
from tickettape.database import Connection, configured_url, database_url
from tickettape.file_storage import DamagedError, Storage, open_backup_storage
from tickettape.settings import settings

Stamp = Annotated[str, typer.Argument(metavar="[BACKUP]", help="`latest`, or a name from `tickettape backups`.")]


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(backup)
    app.command(name="backups")(list_backups)
    app.command(name="prove-backup")(prove_backup_command)
    app.command(name="restore-backup")(restore_backup_command)


def backup(
    prove: Annotated[
        bool, typer.Option("--prove", help="Also prove the backup by restoring it into a scratch database.")
    ] = False,
) -> None:
    """Back up the database to BACKUP_URL now, and remove backups past their retention."""
    storage, now = open_backup_storage(settings()), datetime.now(UTC)
    try:
        made = make_backup(database_url(), storage, now=now, say=say)
        keep = {"daily": settings().backups_daily, "weekly": settings().backups_weekly}
        for name in expire_backups(storage, **keep, now=now):
            say(f"Removed {name}.")
        if prove:
            prove_backup(database_url(), storage, made, say=say)
    except (BackupError, DamagedError) as error:
        fail(str(error))


def list_backups() -> None:
    """List the backups in BACKUP_URL, oldest first, and say which were proved."""
    storage = open_backup_storage(settings())
    found = all_backups(storage)
    say(f"{len(found)} backups in {storage}.")
    for one in found:
        proof = read_proof(storage, one.stamp)
        proved = f"proved {proof.proved_at:%Y-%m-%d %H:%M} UTC in {proof.seconds} s" if proof else "not proved"
        months = f"{len(one.months)} earlier month{'s' * (len(one.months) != 1)}"
        say(f"  {one.stamp}  {one.bytes / 1e6:,.1f} MB with {months}, {proved}")


def prove_backup_command(name: Stamp = "latest") -> None:
    """Prove a backup: restore it into a scratch database and compare every table."""
    storage = open_backup_storage(settings())
    try:
        prove_backup(database_url(), storage, _find(storage, name), say=say)
    except (BackupError, DamagedError) as error:
        fail(str(error))


def restore_backup_command(
    into: Annotated[str, typer.Option("--into", help="The database to create, on the server of DATABASE_URL.")],
    name: Stamp = "latest",
    replace: Annotated[
        bool,
        typer.Option("--replace", help="If the database exists, rename it, keep it, and give its name to the new one."),
    ] = False,
) -> None:
    """Restore a backup into a new database. An existing database is never overwritten."""
    storage = open_backup_storage(settings())
    erased = 0

    def erase(connection: Connection) -> None:
        nonlocal erased
        erased = erase_again(connection, storage)

    try:
        kept = restore_backup(
            configured_url(),
            storage,
            _find(storage, name),
            into=into,
            replace=replace,
            now=datetime.now(UTC),
            say=say,
            before_naming=erase,
        )
    except (BackupError, DamagedError) as error:
        fail(str(error))
    say(f"Restored as database {into}.")
    if erased:
        say(f"Erased {erased} users again, who had been erased after the backup was made.")
    if kept:
        say(f"The database that was {into} is now {kept}. Rename it to go back, or drop it when you no longer need it.")


def _find(storage: Storage, name: str) -> Backup:
    found = all_backups(storage)
    wanted = found[-1:] if name == "latest" else [one for one in found if one.stamp == name]
    if not wanted:
        fail(f"There is no backup {name} in {storage}. `tickettape backups` lists the backups.", code=2)
    return wanted[0]
