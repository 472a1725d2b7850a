"""Archive an event of the box office: its seats, bookings and lines move to Parquet together, once it is long over.

The steps are exported → verified → removed. Each is recorded when it is done, and is safe to run again. The rows are
removed in one transaction, which locks them and compares them with the manifest once more: a change after the export
begins the archive anew. Tickets, payments and who bought stay in the database, so no file leads to a person.

Cold storage has one hive-partitioned data set per table, and a manifest, which is written last:
    event_seats/event=7/part-0.parquet   bookings/event=7/…   booking_seats/event=7/…
    manifests/event=7/manifest.json
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pyarrow as pa
from psycopg import sql
from psycopg.rows import class_row

from tickettape.archive.fingerprints import Fingerprint, fingerprint_relation, parquet_columns
from tickettape.archive.month_archive import ArchiveError
from tickettape.archive.month_manifest import ArchivedTable
from tickettape.archive.parquet_files import names_in, read_back_parquet, write_rows
from tickettape.database import SCHEMA_VERSION, BusyError, Connection, try_lock, with_short_lock_waits
from tickettape.file_storage import DamagedError, Storage

EVENT_TABLES = {
    "event_seats": (
        "stored_seats",
        "id event_id current_booking_id held_until updated_at created_at status version section row_number seat_number "
        "base_price dynamic_multiplier",
    ),
    "bookings": (
        "bookings",
        "id event_id status total_amount currency hold_expires_at extensions created_at updated_at confirmed_at "
        "cancelled_at",
    ),
    "booking_seats": ("booking_seats", "id booking_id seat_id price_at_booking created_at released_at"),
}
"""Data set -> its table in schema box_office, and the columns that go to cold storage."""
PERSONAL = {"bookings": {"user_id", "payment_id"}}
"""The columns that lead to a person. They stay, in box_office.archived_bookings."""

LONGEST_EVENT = timedelta(hours=6)  # of one without an end time

Say = Callable[[str], None]


@dataclass(frozen=True)
class SoldEvent:
    """What decides whether an event may be archived. `hindrance`: what it still has to do, if anything."""

    event_id: int
    title: str
    start_time: datetime
    end_time: datetime | None
    step: str | None
    pinned_until: date | None
    hindrance: str | None


@dataclass
class EventsArchived:
    """What became of the events that are old enough, by their ids."""

    archived: dict[int, dict[str, Any]] = field(default_factory=dict)
    held_back: dict[int, str] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)


class EventManifest(msgspec.Struct, frozen=True):
    """What was verified of an event. Its removal and its restore compare with it."""

    event_id: int
    schema_version: str
    tables: dict[str, ArchivedTable]

    @property
    def rows(self) -> int:
        """The number of all rows."""
        return sum(table.content.rows for table in self.tables.values())

    @property
    def bytes(self) -> int:
        """The size of all files except the manifest."""
        return sum(file.bytes for table in self.tables.values() for file in table.files)


def archived_from(event: SoldEvent, *, days: int) -> datetime:
    """When an event is old enough: `days` after it, and not before the UTC quarter in which it ended is over."""
    over = (event.end_time or event.start_time + LONGEST_EVENT).astimezone(UTC)
    first_month = 3 * ((over.month - 1) // 3) + 1
    year, month = (over.year, first_month + 3) if first_month < 10 else (over.year + 1, 1)
    return max(over + timedelta(days=days), datetime(year, month, 1, tzinfo=UTC))


def events_to_archive(
    events: list[SoldEvent], *, now: datetime, days: int
) -> tuple[list[SoldEvent], dict[SoldEvent, str]]:
    """The events to archive, and why others that are old enough stay."""
    due, held_back = [], {}
    for event in events:
        if archived_from(event, days=days) > now:
            continue
        if event.pinned_until is not None and event.pinned_until >= now.date():
            held_back[event] = f"restored, until {event.pinned_until}"
        elif event.hindrance is not None:
            held_back[event] = event.hindrance
        else:
            due.append(event)
    return due, held_back


def sold_events(
    connection: Connection, event_id: int | None = None, *, before: datetime | None = None
) -> list[SoldEvent]:
    """Every event that is not archived, or one of them, or those that began before an instant; by start time."""
    with connection.cursor(row_factory=class_row(SoldEvent)) as cursor:
        return cursor.execute(
            """select events.id as event_id, events.title, start_time, end_time, step, pinned_until,
                   box_office.why_not_archived(events.id) as hindrance
               from box_office.stored_events as events
               left join box_office.event_archives as archives on archives.event_id = events.id
               where archived_at is null and events.id = coalesce(%s, events.id)
                   and start_time < coalesce(%s, timestamptz 'infinity')
               order by start_time, events.id""",
            [event_id, before],
        ).fetchall()


def archive_event(
    connection: Connection, storage: Storage, event_id: int, *, now: datetime, days: int, say: Say
) -> dict[str, Any]:
    """Do the steps of an event's archive, from the first that is not done. Returns figures.

    Raises ArchiveError, DamagedError or BusyError; the event then stays in the database.
    """
    with try_lock(connection, event_lock_name(event_id)) as alone:
        if not alone:
            raise ArchiveError(f"Another process is archiving or restoring event {event_id}. Wait until it ends.")
        _may_be_archived(connection, event_id, now=now, days=days)
        step = _begin(connection, event_id)
        if step == "begun":
            export_event(connection, storage, event_id, say)
            step = "exported"
        if step == "exported":
            verify_event(connection, storage, event_id, say)
        say("removed: begins")
        manifest = remove_event(connection, storage, event_id)
        say("removed: done")
    return {"rows": manifest.rows, "Parquet bytes": manifest.bytes}


def due_events(connection: Connection, *, now: datetime, days: int) -> tuple[list[SoldEvent], dict[SoldEvent, str]]:
    """The events to archive now, and why others that are old enough stay."""
    return events_to_archive(sold_events(connection, before=now - timedelta(days=days)), now=now, days=days)


def archive_due_events(
    connection: Connection, storage: Storage, *, now: datetime, days: int, say: Say
) -> EventsArchived:
    """Archive every event that is due. One that fails does not keep the others."""
    due, held_back = due_events(connection, now=now, days=days)
    done = EventsArchived(held_back={event.event_id: why for event, why in held_back.items()})
    for event in due:
        try:
            done.archived[event.event_id] = archive_event(
                connection, storage, event.event_id, now=now, days=days, say=say
            )
        except (ArchiveError, DamagedError, BusyError) as error:
            done.failed[event.event_id] = str(error)
    return done


def event_lock_name(event_id: int) -> str:
    """The name of the lock that archiving and restoring an event take."""
    return f"event {event_id}"


def event_folder(name: str, event_id: int) -> str:
    """Where an event's part of a data set is in cold storage."""
    return f"{name}/event={event_id}"


def manifest_name(event_id: int) -> str:
    """The path of an event's manifest."""
    return f"{event_folder('manifests', event_id)}/manifest.json"


def read_event_manifest(connection: Connection, storage: Storage, event_id: int) -> EventManifest:
    """An event's manifest. Raises DamagedError if it is missing, or is not the one that was verified."""
    name = manifest_name(event_id)
    manifest = storage.read_json(name, EventManifest)
    if manifest is None:
        raise DamagedError(f"{name} is missing in {storage}: the files of event {event_id} there were never verified.")
    row = connection.execute(
        "select manifest_sha256 from box_office.event_archives where event_id = %s", [event_id]
    ).fetchone()
    if row is None or hashlib.sha256(storage.fs.cat_file(storage.path(name))).hexdigest() != row[0]:
        raise DamagedError(f"{name} in {storage} is not the one that was verified.")
    return manifest


def event_columns(connection: Connection, name: str) -> dict[str, pa.DataType]:
    """The columns of a data set with their Parquet types.

    Raises ArchiveError if the table has a column of which nobody has said whether it leads to a person.
    """
    table, columns = EVENT_TABLES[name]
    known = parquet_columns(connection, table, schema="box_office")
    if unknown := known.keys() - columns.split() - PERSONAL.get(name, set()):
        raise ArchiveError(
            f"box_office.{table} has {', '.join(sorted(unknown))}, which the archive does not know. Add it to "
            "EVENT_TABLES or, if it leads to a person, to PERSONAL and archived_bookings. Nothing was archived."
        )
    return {column: known[column] for column in columns.split()}


def event_rows(name: str, event_id: int) -> sql.Composed:
    """The event's rows of a data set in the database."""
    table = sql.Identifier("box_office", EVENT_TABLES[name][0])
    if name == "booking_seats":
        return sql.SQL(
            "(select * from {} where booking_id in (select id from box_office.bookings where event_id = {})) as lines"
        ).format(table, sql.Literal(event_id))
    return sql.SQL("(select * from {} where event_id = {}) as found").format(table, sql.Literal(event_id))


def export_event(connection: Connection, storage: Storage, event_id: int, say: Say) -> None:
    """Write the event's rows as Parquet."""
    columns = {name: event_columns(connection, name) for name in EVENT_TABLES}
    if storage.names(manifest_name(event_id)):
        storage.remove(manifest_name(event_id))  # first: it describes files that are about to be replaced
    for name in EVENT_TABLES:
        folder, rows = event_folder(name, event_id), event_rows(name, event_id)
        for _ in write_rows(connection, storage, folder, columns[name], ("id",), rows, say):
            pass
    _reached(connection, event_id, "exported")
    say("exported: done")


def verify_event(connection: Connection, storage: Storage, event_id: int, say: Say) -> None:
    """Read the files back, compare them with the database, and write the manifest.

    Raises DamagedError if they differ; the next run then exports the event again.
    """
    tables = {}
    for name in EVENT_TABLES:
        columns = event_columns(connection, name)
        content = _in_database(connection, name, event_id)
        found, files = read_back_parquet(storage, names_in(storage, event_folder(name, event_id)), columns)
        if differences := content.differences(found):
            _reached(connection, event_id, "begun")
            raise DamagedError(
                f"{name} of event {event_id}, read back from {storage}, differs from the database "
                f"({'; '.join(differences[:5])}). Nothing was removed. The next run exports it again."
            )
        tables[name] = ArchivedTable({column: str(kind) for column, kind in columns.items()}, content, files)
        say(f"verified: {name} is equal, {content.rows} rows")
    stored = storage.write_json(manifest_name(event_id), EventManifest(event_id, SCHEMA_VERSION, tables))
    say("verified: the manifest is written")
    _reached(connection, event_id, "verified", manifest_sha256=stored.sha256)
    say("verified: done")


def remove_event(connection: Connection, storage: Storage, event_id: int) -> EventManifest:
    """Remove the event's rows, if the files and the rows are still as the manifest says. Returns the manifest.

    Raises ArchiveError if the event changed since; the next run then exports it again.
    """
    manifest = read_event_manifest(connection, storage, event_id)
    for table in manifest.tables.values():
        for file in table.files:
            storage.verify(file)

    def removing() -> str | None:
        lock_event(connection, event_id)
        row = connection.execute("select box_office.why_not_archived(%s)", [event_id]).fetchone()
        if row and row[0]:
            return str(row[0])
        for name, table in manifest.tables.items():
            if differences := table.content.differences(_in_database(connection, name, event_id)):
                return f"{name} changed ({'; '.join(differences[:5])})"
        connection.execute("select box_office.remove_archived(%s)", [event_id])
        _reached(connection, event_id, "removed")
        return None

    why_not = with_short_lock_waits(connection, removing, f"Removing event {event_id}")
    if why_not is not None:
        _reached(connection, event_id, "begun")
        raise ArchiveError(
            f"Event {event_id} was not removed, because {why_not} after it was exported. The next run exports it again."
        )
    return manifest


def lock_event(connection: Connection, event_id: int) -> None:
    """Lock the event and its rows to the end of the transaction. Whoever adds rows waits for the event's lock."""
    connection.execute("select from box_office.stored_events where id = %s for update", [event_id])
    connection.execute("select from box_office.bookings where event_id = %s order by id for update", [event_id])
    connection.execute("select from box_office.stored_seats where event_id = %s order by id for update", [event_id])


def _may_be_archived(connection: Connection, event_id: int, *, now: datetime, days: int) -> None:
    found = sold_events(connection, event_id)
    if not found:
        raise ArchiveError(f"There is no event {event_id} at the box office, or it is archived already.")
    due, held_back = events_to_archive(found, now=now, days=days)
    if not due:
        why = held_back.get(found[0]) or f"it is archived from {archived_from(found[0], days=days):%Y-%m-%d}"
        raise ArchiveError(f"Event {event_id} cannot be archived yet: {why}.")


def _begin(connection: Connection, event_id: int) -> str:
    """Count an attempt. Returns the last finished step; "begun" if none is."""
    row = connection.execute(
        """insert into box_office.event_archives as archives (event_id, step) values (%s, 'begun')
           on conflict (event_id) do update set attempts = archives.attempts + 1, pinned_until = null,
               step = case archives.step when 'restored' then 'begun' else archives.step end
           returning step""",
        [event_id],
    ).fetchone()
    assert row is not None  # noqa: S101  an upsert returns its row
    return str(row[0])


def _in_database(connection: Connection, name: str, event_id: int) -> Fingerprint:
    return fingerprint_relation(connection, event_rows(name, event_id), event_columns(connection, name))


def _reached(connection: Connection, event_id: int, step: str, *, manifest_sha256: str | None = None) -> None:
    connection.execute(
        """update box_office.event_archives set step = %s, reached_at = clock_timestamp(),
               manifest_sha256 = coalesce(%s, manifest_sha256) where event_id = %s""",
        [step, manifest_sha256, event_id],
    )
