"""Back up the warehouse: dumps in their own storage, each with a manifest of its contents.

A backup is one `base` dump (catalogue, dimensions, jobs, marks, rollups and the current month) and one dump of each
earlier month that is still attached. Earlier months hardly change. So a month's dump is made once, and every backup
refers to it as long as it is still right. Rows and a hash of every table decide that; they are computed in the same
snapshot that is dumped. Left out are archived months, which have their verified Parquet, and stored answers, which are
deleted after days.

    backups/20261121T033000Z/base.dump, manifest.json, proof.json
    months/2026-10/20261101T033000Z/month.dump, manifest.json

A manifest is written last: a folder without one is not a backup. `backup_restore` restores backups.
"""

import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import BinaryIO

import msgspec
import psycopg
from psycopg import sql

from tickettape.database import (
    DAILY_TABLES,
    MONTHLY_TABLES,
    Connection,
    libpq_environment,
    month_of,
    postgres_tool,
    try_lock,
)
from tickettape.file_storage import PIECE_BYTES, DamagedError, Storage, StoredFile

SCHEMAS = (
    "market",
    "staging",
    "analytics",
    "access",
    "box_office",
    "price_alerts",
)  # not `api`: the first tick after a restore makes it again
STAMP_FORMAT = "%Y%m%dT%H%M%SZ"
LONGEST_DUMP_SECONDS = 6 * 3600  # 26 million rows take minutes; a dump that takes hours is stuck
LOCK_WAIT_SECONDS = 60  # detaching a partition holds its lock for seconds
UNFINISHED_AFTER = timedelta(days=1)  # after that a folder without a manifest is the remains of a backup that failed

_MONTHLY = re.compile(rf"(?:{'|'.join(MONTHLY_TABLES)})_(\d{{4}})_(\d{{2}})(?:\D.*)?$")
_DAILY = re.compile(rf"(?:{'|'.join(DAILY_TABLES)})_\d{{4}}_\d{{2}}_\d{{2}}")


class BackupError(Exception):
    """A backup could not be made, or cannot be used."""


class TableFigures(msgspec.Struct, frozen=True):
    """The figures that must be equal in a table and in its copy: the rows, and the sum of all rows' hashes."""

    rows: int
    hash: str


class MonthDump(msgspec.Struct, frozen=True):
    """The dump of a month's facts: its partitions, with their figures and columns."""

    month: str
    stamp: str
    file: StoredFile
    tables: dict[str, TableFigures]
    columns: dict[str, list[str]] = {}
    """The columns of each table. If the names differ from a newer base, the dump cannot be loaded beside it."""


class Backup(msgspec.Struct, frozen=True):
    """One backup: its base, and the month dumps that complete it."""

    stamp: str
    made_at: datetime
    server_version: int
    revision: str
    database_bytes: int
    base: StoredFile
    tables: dict[str, TableFigures]
    months: list[MonthDump]

    @property
    def bytes(self) -> int:
        """The size of all its files. Other backups may share its month dumps."""
        return self.base.bytes + sum(month.file.bytes for month in self.months)

    @property
    def all_tables(self) -> dict[str, TableFigures]:
        """The figures of every table in the backup."""
        return self.tables | {table: figures for month in self.months for table, figures in month.tables.items()}


class Proof(msgspec.Struct, frozen=True):
    """A record that a backup was restored and that its figures were equal."""

    proved_at: datetime
    seconds: float
    tables: int
    rows: int


def make_backup(url: str, storage: Storage, *, now: datetime, say: Callable[[str], None]) -> Backup:
    """Back up the database at `url`. Returns the backup.

    Raises BackupError if there is not enough space, if another backup is running, or if pg_dump fails.
    """
    stamp = now.astimezone(UTC).strftime(STAMP_FORMAT)
    with (
        psycopg.connect(url, autocommit=True, options=_OPTIONS, connect_timeout=10) as connection,
        try_lock(connection, "backup") as alone,
    ):
        if not alone:
            raise BackupError("Another backup is running. This one was not made.")
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with connection.transaction():
            return _make(connection, url, storage, stamp, now, say)


def _make(
    connection: Connection, url: str, storage: Storage, stamp: str, now: datetime, say: Callable[[str], None]
) -> Backup:
    row = connection.execute(
        "select pg_export_snapshot(), (select version_num from market.alembic_version), "
        "pg_database_size(current_database())"
    ).fetchone()
    if row is None:
        raise BackupError("Postgres did not provide a snapshot to dump.")
    snapshot, revision, database_bytes = str(row[0]), str(row[1]), int(row[2])
    in_base, past, left_out = split_tables(warehouse_tables(connection), month_of(now))
    dump = PgDump(url, snapshot, connection.info.server_version)

    known = latest_month_dumps(storage)
    columns = table_columns(connection)
    counted = {month: table_figures(connection, partitions) for month, partitions in past.items()}
    to_dump = {month: tables for month, tables in counted.items() if not _is_in(known.get(month), tables, columns)}
    _refuse_without_room(connection, storage, [*in_base, *(table for tables in to_dump.values() for table in tables)])

    months = []
    for month, its_tables in sorted(counted.items()):
        if month not in to_dump:
            months.append(known[month])
            continue
        folder = f"months/{month}/{stamp}"
        file = storage.write(f"{folder}/month.dump", dump.of_data(its_tables))
        months.append(MonthDump(month, stamp, file, its_tables, {table: columns[table] for table in its_tables}))
        storage.write_json(f"{folder}/manifest.json", months[-1])
        say(f"Month {month}: {_size(file.bytes)}, {sum(f.rows for f in its_tables.values()):,} rows.")

    base_tables = table_figures(connection, in_base)
    without_data = [*left_out, *(table for partitions in past.values() for table in partitions)]
    base = storage.write(f"backups/{stamp}/base.dump", dump.of_schemas(without_data))
    backup = Backup(
        stamp,
        now.astimezone(UTC),
        connection.info.server_version,
        revision,
        database_bytes,
        base,
        base_tables,
        months,
    )
    storage.write_json(f"backups/{stamp}/manifest.json", backup)
    say(
        f"Backup {stamp}: {_size(base.bytes)} and {len(to_dump)} of {len(months)} earlier months; "
        f"{sum(f.rows for f in backup.all_tables.values()):,} rows in {storage}."
    )
    return backup


def all_backups(storage: Storage) -> list[Backup]:
    """Every backup in the storage, oldest first."""
    found = [storage.read_json(name, Backup) for name in storage.names("backups/*/manifest.json")]
    return [backup for backup in found if backup is not None]


def read_proof(storage: Storage, stamp: str) -> Proof | None:
    """The proof of a backup, if it was proved."""
    return storage.read_json(f"backups/{stamp}/proof.json", Proof)


def latest_month_dumps(storage: Storage) -> dict[str, MonthDump]:
    """The newest dump of each month whose file is still there and has the size that was written."""
    found = {}
    for name in storage.names("months/*/*/manifest.json"):  # sorted: the newest of a month comes last
        with suppress(DamagedError):
            dump = storage.read_json(name, MonthDump)
            if dump is not None and storage.size(dump.file.path) == dump.file.bytes:
                found[dump.month] = dump
    return found


def warehouse_tables(connection: Connection) -> dict[str, bool]:
    """Every table of our schemas that can hold rows (`schema.name`), and whether it is a partition."""
    rows = connection.execute(
        """select format('%%I.%%I', n.nspname, c.relname), c.relispartition
           from pg_class c inner join pg_namespace n on n.oid = c.relnamespace
           where n.nspname = any(%s) and c.relkind = 'r' and c.relpersistence = 'p' order by 1""",
        [list(SCHEMAS)],
    ).fetchall()
    return {str(name): bool(is_partition) for name, is_partition in rows}


def table_columns(connection: Connection) -> dict[str, list[str]]:
    """The columns of every table of our schemas (`schema.name`), in their order."""
    rows = connection.execute(
        """select format('%%I.%%I', n.nspname, c.relname), array_agg(a.attname::text order by a.attnum)
           from pg_class c inner join pg_namespace n on n.oid = c.relnamespace
           inner join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           where n.nspname = any(%s) and c.relkind = 'r' group by 1""",
        [list(SCHEMAS)],
    ).fetchall()
    return {str(name): list(columns) for name, columns in rows}


def split_tables(names: dict[str, bool], running_month: date) -> tuple[list[str], dict[str, list[str]], list[str]]:
    """The tables whose rows go into the base, those for the dump of each earlier month, and those that are left out.

    Left out are partitions of months that are detached, which have their Parquet, and stored answers.
    """
    base: list[str] = []
    months: dict[str, list[str]] = {}
    left_out: list[str] = []
    for name, attached in names.items():
        bare = name.partition(".")[2].strip('"')
        monthly = _MONTHLY.match(bare)
        if _DAILY.match(bare) or (monthly and not attached):
            left_out.append(name)
        elif monthly and date(int(monthly[1]), int(monthly[2]), 1) < running_month:
            months.setdefault(f"{monthly[1]}-{monthly[2]}", []).append(name)
        else:
            base.append(name)
    return base, months, left_out


def table_figures(connection: Connection, names: Iterable[str]) -> dict[str, TableFigures]:
    """The number of rows of each table, and the sum of all rows' hashes, which does not depend on their order."""
    found = {}
    for name in names:
        # PostgreSQL's own hash of a record: 0.2 µs a row, and equal in all databases of one major version
        row = connection.execute(
            sql.SQL("select count(*), coalesce(sum(hash_record_extended(t, 0)), 0) from only {} as t").format(
                sql.Identifier(*name.replace('"', "").split("."))
            )
        ).fetchone()
        found[name] = TableFigures(int(row[0]), str(row[1])) if row else TableFigures(0, "0")
    return found


def backups_to_keep(stamps: Iterable[str], *, daily: int, weekly: int) -> set[str]:
    """The backups to keep: the newest of each of the last days that have one, and of each of the last ISO weeks."""
    newest_first = sorted(stamps, reverse=True)
    days: dict[date, str] = {}
    weeks: dict[tuple[int, int], str] = {}
    for stamp in newest_first:
        day = datetime.strptime(stamp, STAMP_FORMAT).replace(tzinfo=UTC).date()
        days.setdefault(day, stamp)
        weeks.setdefault(day.isocalendar()[:2], stamp)
    return {*list(days.values())[:daily], *list(weeks.values())[:weekly]}


def expire_backups(storage: Storage, *, daily: int, weekly: int, now: datetime) -> list[str]:
    """Remove expired backups, month dumps that no backup refers to, and the remains of failed backups.

    The newest proved backup is always kept. Returns the folders that were removed.
    """
    backups = {backup.stamp: backup for backup in all_backups(storage)}
    keep = backups_to_keep(backups, daily=daily, weekly=weekly)
    proved = [stamp for stamp in sorted(backups) if read_proof(storage, stamp)]
    keep |= set(proved[-1:])
    needed = {f"months/{month.month}/{month.stamp}" for stamp in keep for month in backups[stamp].months}
    unfinished_before = (now.astimezone(UTC) - UNFINISHED_AFTER).strftime(STAMP_FORMAT)
    removed = []
    for folder in (*storage.names("backups/*"), *storage.names("months/*/*")):
        stamp = folder.rpartition("/")[2]
        if folder.startswith("backups/"):
            goes = stamp not in keep if stamp in backups else stamp < unfinished_before
        else:
            goes = folder not in needed and stamp < unfinished_before
        if goes:
            # the manifest first: if the removal is interrupted, no unusable backup is left
            with suppress(FileNotFoundError):
                storage.remove(f"{folder}/manifest.json")
            storage.remove(folder)
            removed.append(folder)
    return removed


class PgDump:
    """Runs pg_dump on one snapshot."""

    def __init__(self, url: str, snapshot: str, server_version: int) -> None:
        self.environment = libpq_environment(url)
        self.command = [
            postgres_tool("pg_dump", server_version=server_version),
            "--format=custom",
            f"--snapshot={snapshot}",
            f"--lock-wait-timeout={LOCK_WAIT_SECONDS}s",
            "--no-password",
        ]

    def of_schemas(self, without_data: Iterable[str]) -> Callable[[BinaryIO], None]:
        """A function that dumps all of our schemas, some tables without their rows."""
        schemas = [f"--schema={schema}" for schema in SCHEMAS]
        excluded = [f"--exclude-table-data={name}" for name in without_data]
        return self._run([*schemas, "--no-unlogged-table-data", *excluded])

    def of_data(self, names: Iterable[str]) -> Callable[[BinaryIO], None]:
        """A function that dumps the rows of some tables."""
        return self._run(["--data-only", *(f"--table={name}" for name in names)])

    def _run(self, arguments: list[str]) -> Callable[[BinaryIO], None]:
        def fill(file: BinaryIO) -> None:
            with tempfile.TemporaryFile() as said:
                process = subprocess.Popen(  # noqa: S603
                    [*self.command, *arguments], stdout=subprocess.PIPE, stderr=said, env=self.environment
                )
                watchdog = threading.Timer(LONGEST_DUMP_SECONDS, process.kill)
                watchdog.start()
                try:
                    assert process.stdout is not None  # noqa: S101  it is a pipe
                    while piece := process.stdout.read(PIECE_BYTES):
                        file.write(piece)
                    code = process.wait()
                finally:
                    watchdog.cancel()
                    if process.poll() is None:  # writing to the storage failed, so pg_dump is stopped
                        process.kill()
                    process.wait()
                if code:
                    said.seek(0)
                    raise BackupError(f"pg_dump ended with code {code}: {said.read().decode(errors='replace').strip()}")

        return fill


# The session is idle in its transaction during the dump, which can take longer than the usual time-out.
_OPTIONS = "-c timezone=UTC -c lock_timeout=60s -c idle_in_transaction_session_timeout=0"


def _is_in(dump: MonthDump | None, now: dict[str, TableFigures], columns: dict[str, list[str]]) -> bool:
    return dump is not None and dump.tables == now and dump.columns == {table: columns[table] for table in now}


def _refuse_without_room(connection: Connection, storage: Storage, names: list[str]) -> None:
    """Raise BackupError if the tables would not fit. A compressed dump is smaller than its tables."""
    free = storage.free_bytes()
    row = connection.execute(
        "select sum(pg_table_size(name::regclass))::bigint from unnest(%s::text[]) as name", [names]
    )
    needed = int((row.fetchone() or [0])[0] or 0)
    if free is not None and free < needed:
        raise BackupError(
            f"{storage} has {_size(free)} free, and the backup may need {_size(needed)}. Nothing was written. Free "
            "some space, keep fewer backups (BACKUPS_DAILY, BACKUPS_WEEKLY), or set BACKUP_URL to another place."
        )


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
