"""Restore an event of the box office from cold storage, equal to what was archived, and pin it.

One transaction loads the rows, compares them with the manifest, and gives each booking whom the database knows as its
buyer. A user who was erased meanwhile is erased in what comes back.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg import sql

from tickettape.archive.event_archive import (
    EVENT_TABLES,
    EventManifest,
    event_columns,
    event_lock_name,
    event_rows,
    read_event_manifest,
)
from tickettape.archive.fingerprints import fingerprint_relation
from tickettape.archive.month_restore import RestoreError
from tickettape.archive.parquet_files import copy_rows
from tickettape.box_office import erase_again
from tickettape.database import Connection, try_lock
from tickettape.file_storage import DamagedError, Storage, open_backup_storage, open_cold_storage
from tickettape.settings import Settings

KEPT = timedelta(days=30)  # unless somebody says until when

LOADED_IN_ORDER = ("bookings", "event_seats", "booking_seats")
"""Each refers to those before it."""


def run_event_restore(
    connection: Connection,
    settings: Settings,
    event_id: int,
    *,
    until: date | None,
    now: datetime,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Restore an event by the settings: what the job and `tickettape box-office restore` do. Returns figures.

    Without `until`, the event is kept for 30 days. Raises as `restore_event` does.
    """
    return restore_event(
        connection,
        open_cold_storage(settings),
        open_backup_storage(settings),
        event_id,
        until=until or (now + KEPT).date(),
        say=say,
    )


def restore_event(
    connection: Connection,
    storage: Storage,
    backups: Storage,
    event_id: int,
    *,
    until: date,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Restore an event and keep it through the day `until`. Returns figures.

    Raises RestoreError or DamagedError; the event then stays as it was. `backups` lists who was erased.
    """
    started = time.monotonic()
    with try_lock(connection, event_lock_name(event_id)) as alone:
        if not alone:
            raise RestoreError(f"Another process is archiving or restoring event {event_id}. Wait until it ends.")
        archived = connection.execute(
            "select archived_at from box_office.stored_events where id = %s", [event_id]
        ).fetchone()
        if archived is None:
            raise RestoreError(f"There is no event {event_id} at the box office.")
        if archived[0] is None:
            raise RestoreError(f"Event {event_id} is not archived, so there is nothing to restore.")
        manifest = read_event_manifest(connection, storage, event_id)
        for name, stored in manifest.tables.items():
            if gone := stored.columns.keys() - event_columns(connection, name).keys():
                raise RestoreError(
                    f"Event {event_id} was archived with schema {manifest.schema_version}, and {name} no longer has "
                    f"{', '.join(sorted(gone))}. Read the Parquet files directly."
                )
        with connection.transaction(), tempfile.TemporaryDirectory(prefix="tickettape-") as scratch:
            connection.execute("select from box_office.stored_events where id = %s for update", [event_id])
            connection.execute("update box_office.stored_events set archived_at = null where id = %s", [event_id])
            for name in LOADED_IN_ORDER:
                _load(connection, storage, manifest, name, Path(scratch))
                say(f"loaded: {name}, {manifest.tables[name].content.rows} rows")
            for name in EVENT_TABLES:
                _compare(connection, storage, manifest, name)
                say(f"verified: {name} is equal")
            connection.execute("select box_office.forget_archive(%s)", [event_id])
            connection.execute(
                """update box_office.event_archives set step = 'restored', reached_at = clock_timestamp(),
                       pinned_until = %s where event_id = %s""",
                [until, event_id],
            )
            erased = erase_again(connection, backups)
    return {
        "rows": manifest.rows,
        **{f"rows of {name}": table.content.rows for name, table in manifest.tables.items()},
        "Parquet bytes": manifest.bytes,
        "seconds": round(time.monotonic() - started, 3),
        "users erased again": erased,
        "kept through": f"{until}",
    }


def _load(connection: Connection, storage: Storage, manifest: EventManifest, name: str, scratch: Path) -> None:
    stored = manifest.tables[name]
    columns = sql.SQL(", ").join(map(sql.Identifier, stored.columns))
    table = sql.Identifier("box_office", EVENT_TABLES[name][0])
    loaded = sql.Identifier("pg_temp", f"loaded_{name}")
    connection.execute(
        sql.SQL("create temp table {} on commit drop as select {} from {} limit 0").format(loaded, columns, table)
    )
    copy_rows(connection, storage, stored.files, {column: column for column in stored.columns}, loaded, scratch)
    if name == "bookings":
        query = sql.SQL(
            """insert into {table} ({columns}, user_id, payment_id)
               select loaded.*, kept.user_id, kept.payment_id
               from {loaded} as loaded inner join box_office.archived_bookings as kept using (id)"""
        )
    else:
        query = sql.SQL("insert into {table} ({columns}) select {columns} from {loaded}")
    connection.execute(query.format(table=table, columns=columns, loaded=loaded))


def _compare(connection: Connection, storage: Storage, manifest: EventManifest, name: str) -> None:
    """Raise DamagedError unless the rows in the database are those of the manifest."""
    stored = manifest.tables[name]
    known = event_columns(connection, name)
    columns = {column: known[column] for column in stored.columns}
    found = fingerprint_relation(connection, event_rows(name, manifest.event_id), columns)
    if differences := stored.content.differences(found):
        raise DamagedError(
            f"{name} of event {manifest.event_id}, loaded from {storage}, differs from its manifest "
            f"({'; '.join(differences[:5])}). It was not restored."
        )
