"""The archive of a month: out of the database, into Parquet, with nothing dropped that was not read back.

closed → refreshed → exported → verified → detached → dropped: each step is recorded when it is done, each is
safe to run again, and a run begins with the first that is not. From `closed` on nothing can change the
month's rows; what is dropped in the end is what was compared.

In cold storage, as one hive-partitioned data set per table:
    <table>/year=2026/month=03/part-0.parquet      captures, section_snapshots and listing_changes, in key order
    <dimension>/year=2026/month=03/part-0.parquet  the month's events, zones, sections and lots: it explains itself
    manifests/year=2026/month=03/manifest.json     what was verified; written last, and kept out of the data
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
from psycopg import sql

from tickettape.archive import fingerprints, parquet_files
from tickettape.archive.fingerprints import Fingerprint
from tickettape.database import (
    Connection,
    locks,
    migrations,
    partitions,
)
from tickettape.database.month_state import bounds
from tickettape.file_storage import DamagedError, Storage, StoredFile

FACTS = {
    "captures": ("event_key", "tick"),
    "section_snapshots": ("event_key", "tick", "section_key"),
    "listing_changes": ("event_key", "tick"),
}
"""What a month holds, with the keys that order its files."""

DIMENSIONS = {
    "events": ("event_key",),
    "zones": ("event_key", "zone_key"),
    "sections": ("event_key", "section_key"),
    "lots": ("lot_key",),
}
"""What travels along, so that a month is understood without this database."""

STEPS = ("closed", "refreshed", "exported", "verified", "detached", "dropped")

REFRESHES = 1_000  # refreshes until a month's marks must be gone: 5 million buckets, more than a month can have

Say = Callable[[str], None]


class ArchiveError(Exception):
    """A month that stays where it is."""


class TableInCold(msgspec.Struct, frozen=True):
    """One table of a month: its columns with their Parquet types, what it held, and its files."""

    columns: dict[str, str]
    content: Fingerprint
    files: list[StoredFile]


class Manifest(msgspec.Struct, frozen=True):
    """What was verified of a month, and what its drop and its restore must find. The same rows give the same text."""

    month: str
    schema_version: str
    tables: dict[str, TableInCold]

    @property
    def rows(self) -> int:
        """Rows of captures, snapshots and the listing history."""
        return sum(self.tables[name].content.rows for name in FACTS if name in self.tables)

    @property
    def bytes(self) -> int:
        """Size of all files but the manifest."""
        return sum(file.bytes for table in self.tables.values() for file in table.files)


@dataclass
class Outcome:
    """What a run of the archive did, for people."""

    month: date
    step: str
    figures: dict[str, Any] = field(default_factory=dict)


def archive_month(
    connection: Connection,
    storage: Storage,
    month: date,
    *,
    refresh: Callable[[], None],
    now: datetime,
    keep_detached_days: int,
    say: Say,
) -> Outcome:
    """Take a month from the first step that is not done as far as it may go today.

    `refresh` runs the rollups once; `say` is told of every step as it begins and ends. Raises ArchiveError,
    DamagedError or BusyError, with the month as its last finished step left it.
    """
    _may_be_archived(connection, month, now)
    with locks.try_lock(connection, lock_name(month)) as alone:
        if not alone:
            raise ArchiveError(f"{month:%Y-%m} is being archived or restored by another process: let it end.")
        step = begin(connection, month)
        outcome = Outcome(month, step)
        started = time.monotonic()
        while step := next_step(step, detached_at=_reached_at(connection, month), now=now, keep=keep_detached_days):
            say(f"{step}: begins")
            before = time.monotonic()
            if step == "closed":
                close(connection, month)
            elif step == "refreshed":
                outcome.figures |= refresh_rollups(connection, month, refresh)
            elif step == "exported":
                outcome.figures |= export(connection, storage, month, say)
            elif step == "verified":
                outcome.figures |= verify(connection, storage, month, say)
            elif step == "detached":
                detach(connection, month)
            elif step == "dropped":
                drop(connection, storage, month)
            outcome.step = step
            outcome.figures[f"seconds until {step}"] = round(time.monotonic() - before, 3)
            say(f"{step}: done")
        outcome.figures["seconds"] = round(time.monotonic() - started, 3)
    return outcome


def next_step(step: str, *, detached_at: datetime | None, now: datetime, keep: int) -> str:
    """The step after `step` ("" before the first); "" where there is nothing to do now.

    A detached month is kept for `keep` days before it is dropped.
    """
    following = STEPS[0] if step == "" else dict(pairwise((*STEPS, "")))[step]
    if following == "dropped" and keep and (detached_at is None or detached_at + timedelta(days=keep) > now):
        return ""
    return following


def lock_name(month: date) -> str:
    """The lock of whoever archives or restores a month."""
    return f"month {month:%Y-%m}"


def step_of(connection: Connection, month: date) -> str:
    """How far a month's archive has come; "" where none was begun since it was last open or restored."""
    row = connection.execute(
        """select archives.step from market.archives inner join market.months using (month)
           where month = %s and state in ('closed', 'archived')""",
        [month],
    ).fetchone()
    return str(row[0]) if row else ""


def begin(connection: Connection, month: date) -> str:
    """Count an attempt; the step it goes on from."""
    connection.execute("update market.archives set attempts = attempts + 1 where month = %s", [month])
    return step_of(connection, month)


def close(connection: Connection, month: date) -> None:
    """Close a month: waits for the writers under way, and from then on nobody changes its rows.

    Writers ask `months` and put what is late into quarantine; whoever does not ask is refused by a trigger.
    """

    def closing() -> None:
        connection.execute("update market.months set state = 'closed', updated_at = now() where month = %s", [month])
        for table in FACTS:
            connection.execute(
                sql.SQL(
                    """create or replace trigger refuse_write before insert or update or delete on {}
                       for each row execute function market.refuse_write()"""
                ).format(relation(table, month))
            )
        connection.execute(
            """insert into market.archives (month, step) values (%s, 'closed')
               on conflict (month) do update set
                   step = 'closed', reached_at = now(), attempts = 1, manifest_sha256 = null""",
            [month],
        )

    locks.patiently(connection, closing, f"Closing {month:%Y-%m}")


def reopen(connection: Connection, month: date) -> None:
    """Undo `close`: a month that is still attached takes rows again. Raises ArchiveError where it is not closed."""

    def reopening() -> None:
        done = connection.execute(
            """update market.months set state = case when restored_at is null then 'open' else 'restored' end,
                   updated_at = now() where month = %s and state = 'closed'""",
            [month],
        )
        if not done.rowcount:
            raise ArchiveError(f"{month:%Y-%m} is not closed: there is nothing to reopen.")
        for table in FACTS:
            connection.execute(sql.SQL("drop trigger if exists refuse_write on {}").format(relation(table, month)))

    with locks.try_lock(connection, lock_name(month)) as alone:
        if not alone:
            raise ArchiveError(f"{month:%Y-%m} is being archived by another process: let it end, or end it first.")
        locks.patiently(connection, reopening, f"Reopening {month:%Y-%m}")


def refresh_rollups(connection: Connection, month: date, refresh: Callable[[], None]) -> dict[str, Any]:
    """Refresh the rollups until no bucket of the month is marked: after this the facts may go."""
    for done in range(REFRESHES):
        left = marked(connection, month)
        if left == 0:
            _reached(connection, month, "refreshed")
            return {"refreshes": done}
        refresh()
        if marked(connection, month) >= left and done > 2:
            break
    raise ArchiveError(
        f"{marked(connection, month)} buckets of {month:%Y-%m} are still marked after refreshing: see what "
        "`tickettape dbt run --select path:dbt_project/models/marts/rollups` says. The month stays, closed."
    )


def marked(connection: Connection, month: date) -> int:
    """Buckets of a month that a rollup has still to recompute."""
    row = connection.execute(
        "select count(*) from market.dirty_buckets where bucket >= %s and bucket < %s", [*bounds(month)]
    ).fetchone()
    return int(row[0]) if row else 0


def export(connection: Connection, storage: Storage, month: date, say: Say) -> dict[str, Any]:
    """Write the month's facts as Parquet; figures."""
    started, rows, stored = time.monotonic(), 0, 0
    if storage.names(manifest_name(month)):
        storage.remove(manifest_name(month))  # it vouches for files that are about to go
    for table, key in FACTS.items():
        for count, file in parquet_files.write(connection, storage, table, key, relation(table, month), month, say):
            rows, stored = rows + count, stored + file.bytes
    _reached(connection, month, "exported")
    seconds = time.monotonic() - started
    heap = sum(_size(connection, table, month) for table in FACTS)
    return {
        "rows exported": rows,
        "Parquet bytes": stored,
        "bytes a row": round(stored / rows, 2) if rows else 0.0,
        "rows exported a second": round(rows / seconds),
        "database bytes": heap,
        "ratio": round(heap / stored, 1) if stored else 0.0,
    }


def verify(connection: Connection, storage: Storage, month: date, say: Say) -> dict[str, Any]:
    """Read the files back, compare them with the database, and write the manifest that vouches for them.

    Where they differ the month is exported again by the next run. Raises DamagedError.
    """
    started = time.monotonic()
    expected = {
        table: fingerprints.of_relation(connection, relation(table, month), fingerprints.columns_of(connection, table))
        for table in FACTS
    } | _export_dimensions(connection, storage, month, say)
    try:
        tables = {}
        for table, content in expected.items():
            columns = fingerprints.columns_of(connection, table)
            found, files = parquet_files.read_back(storage, parquet_files.names(storage, table, month), columns)
            if differences := content.differences(found):
                raise DamagedError(
                    f"{table} of {month:%Y-%m} read back from {storage} differs from the database "
                    f"({'; '.join(differences[:5])}). Nothing was detached; the next run exports it again."
                )
            tables[table] = TableInCold({name: str(kind) for name, kind in columns.items()}, content, files)
            say(f"verified: {table} is equal, {content.rows} rows")
    except DamagedError:
        _reached(connection, month, "refreshed")
        raise
    manifest = Manifest(f"{month:%Y-%m}", migrations.HEAD, tables)
    stored = storage.write_json(manifest_name(month), manifest)
    say("verified: the manifest is written")
    _reached(connection, month, "verified", manifest_sha256=stored.sha256)
    seconds = time.monotonic() - started
    return {"rows verified": manifest.rows, "rows verified a second": round(manifest.rows / seconds)}


def detach(connection: Connection, month: date) -> None:
    """Take the month out of the tables; its own tables stay for a while.

    A plain DETACH: CONCURRENTLY could come between a refresh's claim and its read of the facts, and the
    refresh would erase history.
    """
    partitions.finish_detaches(connection)

    def detaching() -> None:
        connection.execute(
            "lock table market.captures, market.section_snapshots, market.listing_changes in access exclusive mode"
        )
        for table in FACTS:
            connection.execute(
                sql.SQL("alter table {} detach partition {}").format(
                    sql.Identifier("market", table), relation(table, month)
                )
            )
        connection.execute(
            "update market.months set state = 'archived', pinned_until = null, updated_at = now() where month = %s",
            [month],
        )
        _reached(connection, month, "detached")

    locks.patiently(connection, detaching, f"Detaching {month:%Y-%m}")


def drop(connection: Connection, storage: Storage, month: date) -> None:
    """Drop a detached month, after every one of its files was found as its manifest says. Raises DamagedError."""
    manifest = read_manifest(storage, month, sha256=_manifest_sha256(connection, month))
    for table in manifest.tables.values():
        for file in table.files:
            storage.verify(file)

    def dropping() -> None:
        for table in FACTS:
            connection.execute(sql.SQL("drop table if exists {}").format(relation(table, month)))
        _reached(connection, month, "dropped")

    locks.patiently(connection, dropping, f"Dropping {month:%Y-%m}")


def read_manifest(storage: Storage, month: date, *, sha256: str | None = None) -> Manifest:
    """A month's manifest; the very one with that sha256, if given. Raises DamagedError where there is none."""
    name = manifest_name(month)
    manifest = storage.read_json(name, Manifest)
    if manifest is None:
        raise DamagedError(f"{name} is missing in {storage}: what is there of {month:%Y-%m} was never verified.")
    if sha256 is not None and hashlib.sha256(storage.fs.cat_file(storage.path(name))).hexdigest() != sha256:
        raise DamagedError(f"{name} in {storage} is not the manifest that was verified: it was changed since.")
    return manifest


def relation(table: str, month: date) -> sql.Identifier:
    """The month's own table."""
    return sql.Identifier("market", f"{table}_{month:%Y_%m}")


def manifest_name(month: date) -> str:
    """Where a month's manifest is."""
    return f"{parquet_files.folder('manifests', month)}/manifest.json"


def _may_be_archived(connection: Connection, month: date, now: datetime) -> None:
    row = connection.execute("select state from market.months where month = %s", [month]).fetchone()
    if row is None:
        raise ArchiveError(f"{month:%Y-%m} has no data: there is nothing to archive.")
    if bounds(month)[1] > now:
        raise ArchiveError(f"{month:%Y-%m} is not over: only a month that lies in the past can be archived.")


def _export_dimensions(connection: Connection, storage: Storage, month: date, say: Say) -> dict[str, Fingerprint]:
    """Write the month's events with their zones, sections and lots; what was written, of one moment of the database."""
    of_month = sql.SQL(
        """(select d.* from market.{} as d where event_key in (
                select event_key from market.events as e
                where exists (select from {} as f where f.event_key = e.event_key)
                    or exists (select from {} as f where f.event_key = e.event_key)
                    or exists (select from {} as f where f.event_key = e.event_key))) as d"""
    )
    lots_of_month = sql.SQL(
        "(select d.* from market.lots as d where lot_key in (select unnest(lot_keys) from {} as l)) as d"
    )
    written = {}
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        for table, key in DIMENSIONS.items():
            source = (
                of_month.format(sql.Identifier(table), *(relation(fact, month) for fact in FACTS))
                if table != "lots"
                else lots_of_month.format(relation("listing_changes", month))
            )
            for _ in parquet_files.write(connection, storage, table, key, source, month, say):
                pass
            written[table] = fingerprints.of_relation(connection, source, fingerprints.columns_of(connection, table))
    return written


def _reached(connection: Connection, month: date, step: str, *, manifest_sha256: str | None = None) -> None:
    connection.execute(
        """update market.archives
           set step = %s, reached_at = now(), manifest_sha256 = coalesce(%s, manifest_sha256) where month = %s""",
        [step, manifest_sha256, month],
    )


def _reached_at(connection: Connection, month: date) -> datetime | None:
    row = connection.execute("select reached_at from market.archives where month = %s", [month]).fetchone()
    return row[0].astimezone(UTC) if row else None


def _manifest_sha256(connection: Connection, month: date) -> str | None:
    row = connection.execute("select manifest_sha256 from market.archives where month = %s", [month]).fetchone()
    return row[0] if row else None


def _size(connection: Connection, table: str, month: date) -> int:
    row = connection.execute(
        "select pg_total_relation_size(%s::regclass)", [f"market.{table}_{month:%Y_%m}"]
    ).fetchone()
    return int(row[0]) if row else 0
