"""`tickettape backup`, `backups`, `prove-backup`, `restore-backup`: the warehouse's dumps, by hand.

Restoring never writes into a database that exists: it makes a new one, compares it with the backup, and only
then gives it the name that was asked for.
"""

from datetime import UTC, datetime
from typing import Annotated

import typer

from tickettape.backups import backup as backups
from tickettape.backups import restore_backup as restoring
from tickettape.backups.backup import Backup, BackupError
from tickettape.cli.console import fail, say
from tickettape.database import server
from tickettape.file_storage import DamagedError, Storage
from tickettape.resources import backup_storage_of
from tickettape.settings import settings

Stamp = Annotated[str, typer.Argument(metavar="[BACKUP]", help="`latest`, or a name that `tickettape backups` lists.")]


def add_commands(app: typer.Typer) -> None:
    """Give the command `tickettape` its words about backups."""
    app.command()(backup)
    app.command(name="backups")(list_backups)
    app.command()(prove_backup)
    app.command()(restore_backup)


def backup(
    prove: Annotated[bool, typer.Option("--prove", help="Restore it into a scratch database too.")] = False,
) -> None:
    """Back the warehouse up into BACKUP_URL now, and remove the backups that need not stay."""
    storage, now = backup_storage_of(settings()), datetime.now(UTC)
    try:
        made = backups.make(server.database_url(), storage, now=now, say=say)
        keep = {"daily": settings().backups_daily, "weekly": settings().backups_weekly}
        for name in backups.expire(storage, **keep, now=now):
            say(f"Removed {name}.")
        if prove:
            restoring.prove(server.database_url(), storage, made, say=say)
    except (BackupError, DamagedError) as error:
        fail(str(error))


def list_backups() -> None:
    """List the backups in BACKUP_URL, oldest first, and which were proved."""
    storage = backup_storage_of(settings())
    found = backups.all_backups(storage)
    say(f"{len(found)} backups in {storage}.")
    for one in found:
        proof = backups.proof_of(storage, one.stamp)
        proved = f"proved {proof.proved_at:%Y-%m-%d %H:%M} UTC in {proof.seconds} s" if proof else "not proved"
        months = f"{len(one.months)} earlier month{'s' * (len(one.months) != 1)}"
        say(f"  {one.stamp}  {one.bytes / 1e6:,.1f} MB with {months}, {proved}")


def prove_backup(name: Stamp = "latest") -> None:
    """Prove a backup: restore it into a scratch database, compare every table, drop that database."""
    storage = backup_storage_of(settings())
    try:
        restoring.prove(server.database_url(), storage, _find(storage, name), say=say)
    except (BackupError, DamagedError) as error:
        fail(str(error))


def restore_backup(
    into: Annotated[str, typer.Option("--into", help="The database to make, on the server of DATABASE_URL.")],
    name: Stamp = "latest",
    replace: Annotated[
        bool, typer.Option("--replace", help="Where it exists: rename it and keep it, and take its place.")
    ] = False,
) -> None:
    """Restore a backup as the database --into. What is there is never overwritten."""
    storage = backup_storage_of(settings())
    try:
        kept = restoring.restore(
            server.configured_url(),
            storage,
            _find(storage, name),
            into=into,
            replace=replace,
            now=datetime.now(UTC),
            say=say,
        )
    except (BackupError, DamagedError) as error:
        fail(str(error))
    say(f"Restored as database {into}.")
    if kept:
        say(f"What was {into} is {kept} now; the way back: rename it, or drop it when it is not needed.")


def _find(storage: Storage, name: str) -> Backup:
    found = backups.all_backups(storage)
    wanted = found[-1:] if name == "latest" else [one for one in found if one.stamp == name]
    if not wanted:
        fail(f"There is no backup {name} in {storage}; `tickettape backups` lists what is there.", code=2)
    return wanted[0]
