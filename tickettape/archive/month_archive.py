"""Archive a month: move its facts from the database to Parquet. Only rows that were read back and compared are dropped.

The steps are closed → refreshed → exported → verified → detached → dropped. Each is recorded when it is done, and is
safe to run again. A run begins with the first step that is not done. From `closed` on nothing can change the month's
rows, so the rows that are dropped are those that were compared.

`month_manifest` describes an archived month.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from psycopg import sql

from tickettape.archive.fingerprints import Fingerprint, fingerprint_relation, parquet_columns
from tickettape.archive.month_manifest import (
    DIMENSION_TABLES,
    FACT_TABLES,
    ArchivedTable,
    MonthManifest,
    month_facts,
    month_manifest_name,
    month_table,
    read_month_manifest,
)
from tickettape.archive.parquet_files import parquet_names, read_back_parquet, write_parquet
from tickettape.database import (
    MONTHLY_TABLES,
    SCHEMA_VERSION,
    Connection,
    finish_interrupted_detaches,
    month_bounds,
    try_lock,
    with_short_lock_waits,
)
from tickettape.file_storage import DamagedError, Storage

ARCHIVE_STEPS = ("closed", "refreshed", "exported", "verified", "detached", "dropped")

MOST_REFRESHES = 1_000  # enough for 5 million buckets, more than a month can have

Say = Callable[[str], None]


class ArchiveError(Exception):
    """A month could not be archived. It stays where it is."""


@dataclass
class ArchiveOutcome:
    """The last step that a run of the archive finished, and figures for people."""

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
) -> ArchiveOutcome:
    """Do the steps of a month's archive, from the first that is not done, as far as possible today.

    `refresh` refreshes the rollups once. `say` is called at the beginning and end of every step. Raises ArchiveError,
    DamagedError or BusyError; the month then stays as its last finished step left it.
    """
    _may_be_archived(connection, month, now)
    with try_lock(connection, month_lock_name(month)) as alone:
        if not alone:
            raise ArchiveError(f"Another process is archiving or restoring {month:%Y-%m}. Wait until it ends.")
        step = begin_archive(connection, month)
        outcome = ArchiveOutcome(month, step)
        started = time.monotonic()
        while step := next_archive_step(
            step, detached_at=_reached_at(connection, month), now=now, keep=keep_detached_days
        ):
            say(f"{step}: begins")
            before = time.monotonic()
            if step == "closed":
                close_month(connection, month)
            elif step == "refreshed":
                outcome.figures |= refresh_month(connection, month, refresh)
            elif step == "exported":
                outcome.figures |= export_month(connection, storage, month, say)
            elif step == "verified":
                outcome.figures |= verify_month(connection, storage, month, say)
            elif step == "detached":
                detach_month(connection, month)
            elif step == "dropped":
                drop_month(connection, storage, month)
            outcome.step = step
            outcome.figures[f"seconds until {step}"] = round(time.monotonic() - before, 3)
            say(f"{step}: done")
        outcome.figures["seconds"] = round(time.monotonic() - started, 3)
    return outcome


def next_archive_step(step: str, *, detached_at: datetime | None, now: datetime, keep: int) -> str:
    """The step after `step` ("": no step is done); "" if there is nothing to do now.

    A detached month is kept for `keep` days before it is dropped.
    """
    following = ARCHIVE_STEPS[0] if step == "" else dict(pairwise((*ARCHIVE_STEPS, "")))[step]
    if following == "dropped" and keep and (detached_at is None or detached_at + timedelta(days=keep) > now):
        return ""
    return following


def month_lock_name(month: date) -> str:
    """The name of the lock that archiving and restoring a month take."""
    return f"month {month:%Y-%m}"


def archive_step(connection: Connection, month: date) -> str:
    """The last finished step of a month's archive; "" if none has begun since the month was last open or restored."""
    row = connection.execute(
        """select archives.step from market.archives inner join market.months using (month)
           where month = %s and state in ('closed', 'archived')""",
        [month],
    ).fetchone()
    return str(row[0]) if row else ""


def begin_archive(connection: Connection, month: date) -> str:
    """Count an attempt. Returns the last finished step."""
    connection.execute("update market.archives set attempts = attempts + 1 where month = %s", [month])
    return archive_step(connection, month)


def close_month(connection: Connection, month: date) -> None:
    """Close a month: wait for its current writers. From then on nobody can change its rows.

    Writers ask the table `months` and put late rows into quarantine. A trigger refuses any writer that does not ask.
    """

    def closing() -> None:
        connection.execute("update market.months set state = 'closed', updated_at = now() where month = %s", [month])
        for table in MONTHLY_TABLES:
            connection.execute(
                sql.SQL(
                    """create or replace trigger refuse_write before insert or update or delete on {}
                       for each row execute function market.refuse_write()"""
                ).format(month_table(table, month))
            )
        connection.execute(
            """insert into market.archives (month, step) values (%s, 'closed')
               on conflict (month) do update set
                   step = 'closed', reached_at = now(), attempts = 1, manifest_sha256 = null""",
            [month],
        )

    with_short_lock_waits(connection, closing, f"Closing {month:%Y-%m}")


def reopen_month(connection: Connection, month: date) -> None:
    """Undo `close_month`: a month that is still attached takes rows again. Raises ArchiveError if it is not closed."""

    def reopening() -> None:
        done = connection.execute(
            """update market.months set state = case when restored_at is null then 'open' else 'restored' end,
                   updated_at = now() where month = %s and state = 'closed'""",
            [month],
        )
        if not done.rowcount:
            raise ArchiveError(f"{month:%Y-%m} is not closed, so there is nothing to reopen.")
        for table in MONTHLY_TABLES:
            connection.execute(sql.SQL("drop trigger if exists refuse_write on {}").format(month_table(table, month)))

    with try_lock(connection, month_lock_name(month)) as alone:
        if not alone:
            raise ArchiveError(f"Another process is archiving {month:%Y-%m}. Wait until it ends, or stop it first.")
        with_short_lock_waits(connection, reopening, f"Reopening {month:%Y-%m}")


def refresh_month(connection: Connection, month: date, refresh: Callable[[], None]) -> dict[str, Any]:
    """Refresh the rollups until no bucket of the month is marked. After that they no longer need the facts."""
    for done in range(MOST_REFRESHES):
        left = marked_buckets_in(connection, month)
        if left == 0:
            _reached(connection, month, "refreshed")
            return {"refreshes": done}
        refresh()
        if marked_buckets_in(connection, month) >= left and done > 2:
            break
    raise ArchiveError(
        f"{marked_buckets_in(connection, month)} buckets of {month:%Y-%m} are still marked after a refresh. Run "
        "`dbt run --select +tag:rollup` to see why. The month stays closed."
    )


def marked_buckets_in(connection: Connection, month: date) -> int:
    """How many marks of a month are left."""
    row = connection.execute(
        "select count(*) from market.dirty_buckets where bucket >= %s and bucket < %s", [*month_bounds(month)]
    ).fetchone()
    return int(row[0]) if row else 0


def export_month(connection: Connection, storage: Storage, month: date, say: Say) -> dict[str, Any]:
    """Write the month's facts as Parquet. Returns figures."""
    started, rows, stored = time.monotonic(), 0, 0
    if storage.names(month_manifest_name(month)):
        storage.remove(month_manifest_name(month))  # first: it describes files that are about to be replaced
    for table, key in FACT_TABLES.items():
        for count, file in write_parquet(connection, storage, table, key, month_facts(table, month), month, say):
            rows, stored = rows + count, stored + file.bytes
    _reached(connection, month, "exported")
    seconds = time.monotonic() - started
    heap = sum(_size(connection, table, month) for table in MONTHLY_TABLES)
    return {
        "rows exported": rows,
        "Parquet bytes": stored,
        "bytes a row": round(stored / rows, 2) if rows else 0.0,
        "rows exported a second": round(rows / seconds),
        "database bytes": heap,
        "ratio": round(heap / stored, 1) if stored else 0.0,
    }


def verify_month(connection: Connection, storage: Storage, month: date, say: Say) -> dict[str, Any]:
    """Read the files back, compare them with the database, and write the manifest.

    Raises DamagedError if they differ; the next run then exports the month again.
    """
    started = time.monotonic()
    expected = {
        table: fingerprint_relation(connection, month_facts(table, month), parquet_columns(connection, table))
        for table in FACT_TABLES
    } | _export_dimensions(connection, storage, month, say)
    try:
        tables = {}
        for table, content in expected.items():
            columns = parquet_columns(connection, table)
            found, files = read_back_parquet(storage, parquet_names(storage, table, month), columns)
            if differences := content.differences(found):
                raise DamagedError(
                    f"{table} of {month:%Y-%m}, read back from {storage}, differs from the database "
                    f"({'; '.join(differences[:5])}). Nothing was detached. The next run exports it again."
                )
            tables[table] = ArchivedTable({name: str(kind) for name, kind in columns.items()}, content, files)
            say(f"verified: {table} is equal, {content.rows} rows")
    except DamagedError:
        _reached(connection, month, "refreshed")
        raise
    manifest = MonthManifest(f"{month:%Y-%m}", SCHEMA_VERSION, tables)
    stored = storage.write_json(month_manifest_name(month), manifest)
    say("verified: the manifest is written")
    _reached(connection, month, "verified", manifest_sha256=stored.sha256)
    seconds = time.monotonic() - started
    return {"rows verified": manifest.rows, "rows verified a second": round(manifest.rows / seconds)}


def detach_month(connection: Connection, month: date) -> None:
    """Detach the month's partitions. They stay as tables of their own for a while.

    This uses a plain DETACH. DETACH CONCURRENTLY could happen between a refresh's claim and its read of the facts, and
    the refresh would then erase history.
    """
    finish_interrupted_detaches(connection)

    def detaching() -> None:
        connection.execute(
            sql.SQL("lock table {} in access exclusive mode").format(
                sql.SQL(", ").join(sql.Identifier("market", table) for table in MONTHLY_TABLES)
            )
        )
        for table in MONTHLY_TABLES:
            connection.execute(
                sql.SQL("alter table {} detach partition {}").format(
                    sql.Identifier("market", table), month_table(table, month)
                )
            )
        connection.execute(
            "update market.months set state = 'archived', pinned_until = null, updated_at = now() where month = %s",
            [month],
        )
        _reached(connection, month, "detached")

    with_short_lock_waits(connection, detaching, f"Detaching {month:%Y-%m}")


def drop_month(connection: Connection, storage: Storage, month: date) -> None:
    """Drop a detached month, if every one of its files is as its manifest says. Raises DamagedError if not."""
    manifest = read_month_manifest(storage, month, sha256=_manifest_sha256(connection, month))
    for table in manifest.tables.values():
        for file in table.files:
            storage.verify(file)

    def dropping() -> None:
        for table in MONTHLY_TABLES:
            connection.execute(sql.SQL("drop table if exists {}").format(month_table(table, month)))
        _reached(connection, month, "dropped")

    with_short_lock_waits(connection, dropping, f"Dropping {month:%Y-%m}")


def _may_be_archived(connection: Connection, month: date, now: datetime) -> None:
    row = connection.execute("select state from market.months where month = %s", [month]).fetchone()
    if row is None:
        raise ArchiveError(f"{month:%Y-%m} has no data, so there is nothing to archive.")
    if month_bounds(month)[1] > now:
        raise ArchiveError(f"{month:%Y-%m} is not over. Only past months can be archived.")


def _export_dimensions(connection: Connection, storage: Storage, month: date, say: Say) -> dict[str, Fingerprint]:
    """Write the month's events with their zones, sections and offer terms, in one snapshot. Returns fingerprints."""
    in_facts = sql.SQL(" or ").join(
        sql.SQL("exists (select from {} as f where f.event_key = e.event_key)").format(month_table(fact, month))
        for fact in MONTHLY_TABLES
    )
    of_month = sql.SQL(
        """(select d.* from market.{} as d where event_key in (
                select event_key from market.events as e where {})) as d"""
    )
    terms_of_month = sql.SQL(
        """(select d.* from market.offer_terms as d
            where offer_terms_key in (select unnest(offer_terms_keys) from {})) as d"""
    )
    written = {}
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        for table, key in DIMENSION_TABLES.items():
            source = (
                of_month.format(sql.Identifier(table), in_facts)
                if table != "offer_terms"
                else terms_of_month.format(month_facts("listing_changes", month))
            )
            for _ in write_parquet(connection, storage, table, key, source, month, say):
                pass
            written[table] = fingerprint_relation(connection, source, parquet_columns(connection, table))
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
