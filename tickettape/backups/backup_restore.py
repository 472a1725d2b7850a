"""Restore a backup into a new database, compare it with the manifest, and only then give the database its name.

The rows of every month are loaded before triggers, keys and indexes are made. So no trigger marks an hour, no special
right is needed, and each index is built once. A database that had the name before is kept under another name.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from tickettape.api_schema import ensure_reader_role
from tickettape.backups.backup import LONGEST_DUMP_SECONDS, STAMP_FORMAT, Backup, BackupError, Proof, table_figures
from tickettape.database import Connection, database_disk, libpq_environment, postgres_tool, with_database
from tickettape.file_storage import Storage

LOST_ANSWER = "the answer was not read before the backup, and stored answers are not in it"


def prove_backup(url: str, storage: Storage, backup: Backup, *, say: Callable[[str], None]) -> Proof:
    """Prove a backup: restore it into a scratch database on the server at `url`, compare it, and drop that database.

    Returns the proof. Raises BackupError or DamagedError if the backup cannot be restored or differs from its manifest.
    """
    started = time.monotonic()
    scratch = f"tickettape_proof_{os.getpid()}_{time.time_ns() // 1_000_000}"
    with _maintenance(url) as connection:
        try:
            _restore(connection, url, storage, backup, scratch, say)
        finally:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(scratch)))
    rows = sum(table.rows for table in backup.all_tables.values())
    proof = Proof(datetime.now(UTC), round(time.monotonic() - started, 1), len(backup.all_tables), rows)
    storage.write_json(f"backups/{backup.stamp}/proof.json", proof)
    say(f"Backup {backup.stamp} is proved: {proof.tables} tables, {rows:,} rows, in {proof.seconds} s.")
    return proof


def restore_backup(
    url: str,
    storage: Storage,
    backup: Backup,
    *,
    into: str,
    replace: bool,
    now: datetime,
    say: Callable[[str], None],
    before_naming: Callable[[Connection], None] = lambda _: None,
) -> str | None:
    """Restore a backup as the database `into` on the server at `url`. `before_naming` is given the finished database.

    A database of that name is replaced only with `replace`, and it is renamed, not dropped. Returns its new name, or
    None if there was none. Raises BackupError or DamagedError; the existing database then stays as it was.
    """
    with _maintenance(url, avoid=into) as connection:
        stands = connection.execute("select from pg_database where datname = %s", [into]).fetchone() is not None
        if stands and not replace:
            raise BackupError(
                f"Database {into} exists, so nothing was restored. Choose another name, or add --replace, which "
                "renames the existing database and keeps it."
            )
        if stands:
            _refuse_in_use(connection, into)
        stamp = now.astimezone(UTC).strftime(STAMP_FORMAT).lower()
        scratch, kept = f"{into}_restoring_{stamp}", f"{into}_before_{stamp}"
        try:
            _restore(connection, url, storage, backup, scratch, say)
            _settle(with_database(url, scratch), before_naming)
            with connection.transaction():
                if stands:
                    _refuse_in_use(connection, into)
                    _rename(connection, into, kept)
                _rename(connection, scratch, into)
        except BaseException:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(scratch)))
            raise
    return kept if stands else None


def _restore(
    connection: Connection, url: str, storage: Storage, backup: Backup, name: str, say: Callable[[str], None]
) -> None:
    files = [backup.base, *(month.file for month in backup.months)]
    for file in files:
        storage.verify(file)
    say(f"The {len(files)} files of backup {backup.stamp} are intact.")
    disk = database_disk(connection)
    if disk is not None and disk.free < backup.database_bytes:
        raise BackupError(
            f"The disk of the database has {disk.free / 1000000.0:,.0f} MB free, and the database was "
            f"{backup.database_bytes / 1000000.0:,.0f} MB when it was backed up. Nothing was restored. Free some "
            "space first."
        )
    ensure_reader_role(connection)
    connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
    pg_restore = postgres_tool("pg_restore", server_version=max(connection.info.server_version, backup.server_version))
    target = with_database(url, name)
    with tempfile.TemporaryDirectory(prefix="tickettape-restore-") as folder:
        base = storage.local_path(backup.base.path, Path(folder))
        steps = [("pre-data", base), ("data", base)]
        steps += [("data", storage.local_path(month.file.path, Path(folder))) for month in backup.months]
        steps += [("post-data", base)]
        for number, (section, path) in enumerate(steps, 1):
            started = time.monotonic()
            done = subprocess.run(  # noqa: S603
                [
                    pg_restore,
                    f"--section={section}",
                    "--exit-on-error",
                    "--no-owner",
                    "--no-privileges",
                    "--no-password",
                    f"--dbname={name}",
                    str(path),
                ],
                env=libpq_environment(target),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LONGEST_DUMP_SECONDS,
            )
            if done.returncode:
                raise BackupError(f"Backup {backup.stamp} cannot be restored ({section}): {done.stderr.strip()}")
            say(f"Step {number} of {len(steps)}, {section}: {time.monotonic() - started:.1f} s.")
    with psycopg.connect(target, autocommit=True, connect_timeout=10) as restored:
        found = table_figures(restored, backup.all_tables)
    different = [table for table, expected in backup.all_tables.items() if found[table] != expected]
    if different:
        told = ", ".join(f"{t}: {found[t].rows} rows, not {backup.all_tables[t].rows}" for t in different[:5])
        raise BackupError(
            f"Backup {backup.stamp}, once restored, differs from what was dumped: {told} (if the number of rows is "
            "the same, their values differ)."
        )


def _settle(url: str, before_naming: Callable[[Connection], None]) -> None:
    """Do what a dump does not: set the search path, fail captures whose answer is gone, and analyze."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(
            sql.SQL('alter database {} set search_path = "$user", public, analytics').format(
                sql.Identifier(connection.info.dbname)
            )
        )
        connection.execute(
            "update market.captures set status = 'failed', note = %s where status = 'received'", [LOST_ANSWER]
        )
        before_naming(connection)
        connection.execute("analyze")


@contextmanager
def _maintenance(url: str, *, avoid: str = "") -> Iterator[Connection]:
    """A connection to a database of the server that the restore does not touch."""
    name = "postgres" if avoid != "postgres" else "template1"
    with psycopg.connect(with_database(url, name), autocommit=True, connect_timeout=10) as connection:
        yield connection


def _refuse_in_use(connection: Connection, name: str) -> None:
    users = connection.execute(
        """select coalesce(nullif(application_name, ''), usename::text), count(*) from pg_stat_activity
           where datname = %s and backend_type = 'client backend' group by 1""",
        [name],
    ).fetchall()
    if users:
        told = ", ".join(f"{user} ({count})" for user, count in users)
        raise BackupError(f"Database {name} is in use by {told}. Stop them first. Nothing was replaced.")


def _rename(connection: Connection, name: str, new: str) -> None:
    connection.execute(sql.SQL("alter database {} rename to {}").format(sql.Identifier(name), sql.Identifier(new)))
