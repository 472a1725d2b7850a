"""Move old months of hourly rollups to cold storage, and bring them back.

A month is written as Parquet, read back, compared and then deleted. It is moved as a whole, and only after its facts
were archived: until then, a late row can cause a rebuild of its day, which needs all hours of that day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from psycopg import sql
from psycopg.types.json import Jsonb

from tickettape.archive.hourly_parquet import (
    HourlyStorageError,
    exported_columns,
    hours_reader_check,
    hours_writer,
    load_hours,
    mart_table,
    scratch_tables,
)
from tickettape.database import Connection, month_bounds, months_before
from tickettape.file_storage import DamagedError, Storage, StoredFile
from tickettape.rollups import HOURLY_ROLLUPS

LOCK_TIMEOUT = "10s"  # a refresh ends in less than a second; a tick must not wait long behind this lock


class HourlyManifest(msgspec.Struct, frozen=True):
    """The manifest of a month of hours in cold storage."""

    month: str
    schema_version: int
    verified_at: datetime
    rows: dict[str, int]
    files: dict[str, StoredFile]


@dataclass(frozen=True)
class MovedHours:
    """A month of hours that left the database."""

    month: date
    rows: dict[str, int]
    bytes: int


def hourly_months_due(
    present: Mapping[date, str | None], pinned: Mapping[date, date | None], *, now: datetime, months: int
) -> tuple[list[date], dict[date, str]]:
    """The months of hours to move, oldest first, and why other months that are old enough stay.

    `present`: the months that have hours, with the state of that month's facts (None: not known).
    """
    cut_off = months_before(now, months)
    due, held_back = [], {}
    for month in sorted(present):
        until = pinned.get(month)
        if month_bounds(month)[1] > cut_off:
            continue
        if until is not None and until >= now.date():
            held_back[month] = f"pinned until {until}"
        elif present[month] != "archived":
            held_back[month] = f"its raw month is {present[month] or 'not known'}, not archived"
        else:
            due.append(month)
    return due, held_back


def hourly_months_present(connection: Connection) -> dict[date, str | None]:
    """The months that have hours in the database, with the state of each month's facts."""
    if not _exists(connection):
        return {}
    # looks up each month by an index: the health check runs this every hour, and scanning whole tables took seconds
    rows = connection.execute(
        sql.SQL(
            """with spans (first, last) as ({spans})
               select asked.month::date, months.state
               from (select min(first) as first, max(last) as last from spans) as span
               cross join lateral generate_series(
                   date_trunc('month', span.first at time zone 'UTC'), span.last at time zone 'UTC', interval '1 month'
               ) as asked (month)
               left join market.months on months.month = asked.month::date
               where {present}
               order by asked.month"""
        ).format(
            spans=sql.SQL(" union all ").join(
                sql.SQL("select min(hour), max(hour) from {}").format(mart_table(table)) for table in HOURLY_ROLLUPS
            ),
            present=sql.SQL(" or ").join(
                sql.SQL(
                    """exists (select from {} where hour >= asked.month at time zone 'UTC'
                           and hour < (asked.month + interval '1 month') at time zone 'UTC')"""
                ).format(mart_table(table))
                for table in HOURLY_ROLLUPS
            ),
        )
    ).fetchall()
    return dict(rows)


def months_with_data(connection: Connection) -> set[date]:
    """The months of which the database has facts or hourly rollups."""
    rows = connection.execute("select month from market.months where state != 'archived'").fetchall()
    return {month for (month,) in rows} | set(hourly_months_present(connection))


def hourly_months_pinned(connection: Connection) -> dict[date, date | None]:
    """The months that cold storage has. If one was brought back: the last day on which the database keeps it."""
    rows = connection.execute("select month, pinned_until from market.cold_hours").fetchall()
    return dict(rows)


def move_hours_to_cold_storage(connection: Connection, storage: Storage, month: date) -> MovedHours:
    """Move a month of hours to cold storage: write it, read it back, compare it row by row, then delete it.

    Hours that only cold storage has are kept: they complete a month of which only some hours were brought back or
    computed again. Raises HourlyStorageError if the hours changed meanwhile or marks are pending; nothing is deleted
    then.
    """
    _refuse_marked(connection, month)
    known = _manifest(storage, month)
    remade = _remade(connection, month)
    files, rows = {}, {}
    with scratch_tables(connection, "gathered") as gathered:
        _gather(connection, storage, known, month, gathered)
        for table in HOURLY_ROLLUPS:
            rows[table] = _count(connection, gathered[table])
            files[table] = storage.write(
                f"{table}/year={month:%Y}/month={month:%m}/{table}-{month:%Y-%m}.parquet",
                hours_writer(connection, gathered[table]),
                check=hours_reader_check(connection, storage, table, gathered[table]),
            )
        manifest = HourlyManifest(f"{month:%Y-%m}", 1, datetime.now(UTC), rows, files)
        storage.write_json(_manifest_name(month), manifest)
        connection.execute(
            """insert into market.cold_hours (month, verified_at, files) values (%s, %s, %s)
               on conflict (month) do update set verified_at = excluded.verified_at, files = excluded.files""",
            [month, manifest.verified_at, Jsonb(msgspec.to_builtins(files))],
        )
        with connection.transaction():
            connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            connection.execute(
                sql.SQL("lock table {} in share row exclusive mode").format(
                    sql.SQL(", ").join(map(mart_table, HOURLY_ROLLUPS))
                )
            )
            _refuse_marked(connection, month)
            if _remade(connection, month) != remade:
                raise HourlyStorageError(
                    f"Hours of {month:%Y-%m} changed while they were being written. The next run exports them."
                )
            for table in HOURLY_ROLLUPS:
                columns = exported_columns(connection, mart_table(table))
                if columns != exported_columns(connection, gathered[table]):
                    raise HourlyStorageError(f"{table} got another column meanwhile. The next run exports it.")
                changed = connection.execute(
                    sql.SQL(
                        """select {columns} from {table} where {in_month}
                           except all select {columns} from {other} limit 1"""
                    ).format(columns=columns, table=mart_table(table), other=gathered[table], in_month=_in_month(month))
                ).fetchone()
                fewer = known is None and rows[table] != _count(connection, mart_table(table), _in_month(month))
                if changed is not None or fewer:
                    raise HourlyStorageError(
                        f"{table} of {month:%Y-%m} changed while it was being written. The next run exports it."
                    )
                connection.execute(
                    sql.SQL("delete from {table} where {in_month}").format(
                        table=mart_table(table), in_month=_in_month(month)
                    )
                )
            connection.execute(
                "update market.cold_hours set deleted_at = now(), pinned_until = null where month = %s", [month]
            )
            connection.execute(
                sql.SQL("delete from market.remade_hours where {in_month}").format(in_month=_in_month(month))
            )
    return MovedHours(month, rows, sum(file.bytes for file in files.values()))


def bring_hours_back(connection: Connection, storage: Storage, month: date, *, until: date) -> dict[str, int]:
    """Load a month of hours from cold storage and keep it through the day `until`. Returns the rows loaded by table.

    Hours that are in the database stay as they are, because they are newer. Raises HourlyStorageError if cold storage
    does not have the month.
    """
    manifest = _manifest(storage, month)
    if manifest is None:
        raise HourlyStorageError(f"Cold storage ({storage}) has no hours of {month:%Y-%m}. Nothing was loaded.")
    loaded = {}
    with scratch_tables(connection, "gathered") as gathered:
        _load_absent(connection, storage, manifest, gathered)
        with connection.transaction():
            for table in HOURLY_ROLLUPS:
                loaded[table] = connection.execute(
                    sql.SQL("insert into {} select * from {}").format(mart_table(table), gathered[table])
                ).rowcount
            connection.execute("update market.cold_hours set pinned_until = %s where month = %s", [until, month])
    return loaded


def _gather(
    connection: Connection,
    storage: Storage,
    known: HourlyManifest | None,
    month: date,
    gathered: Mapping[str, sql.Identifier],
) -> None:
    """Fill the scratch tables: with all hours of the month in the database, and those that only cold storage has."""
    if known is not None:
        _load_absent(connection, storage, known, gathered)
    for table in HOURLY_ROLLUPS:
        connection.execute(
            sql.SQL("insert into {other} select * from {table} where {in_month}").format(
                table=mart_table(table), other=gathered[table], in_month=_in_month(month)
            )
        )


def _load_absent(
    connection: Connection, storage: Storage, manifest: HourlyManifest, gathered: Mapping[str, sql.Identifier]
) -> None:
    """Load from cold storage the hours that the database does not have. An event's hour is loaded whole or not at all.

    Hours that were refreshed since are not loaded either: they may have no row any more.
    """
    in_month = _in_month(date.fromisoformat(f"{manifest.month}-01"))
    for table in manifest.files:  # a month that was moved before a rollup existed does not have it
        storage.verify(manifest.files[table])
        load_hours(connection, storage, manifest.files[table].path, gathered[table])
        if _count(connection, gathered[table]) != manifest.rows[table]:
            raise DamagedError(f"The rows in {manifest.files[table].path} are not those that its manifest describes.")
        connection.execute(
            sql.SQL(
                """delete from {cold} as cold using (
                       select event_id, hour from {mart} where {in_month}
                       union
                       select events.id, hour
                       from market.remade_hours inner join market.events using (event_key)
                       where rollup = {table} and {in_month}
                   ) as newer
                   where newer.event_id = cold.event_id and newer.hour = cold.hour"""
            ).format(cold=gathered[table], mart=mart_table(table), table=table, in_month=in_month)
        )


def _refuse_marked(connection: Connection, month: date) -> None:
    start, end = month_bounds(month)
    row = connection.execute(
        "select count(*) from market.dirty_buckets where bucket >= %s and bucket < %s", [start, end]
    ).fetchone()
    if row is None or row[0]:
        marks = row[0] if row else "unknown"
        raise HourlyStorageError(
            f"{marks} marks of {month:%Y-%m} are pending. Its hours stay in the database until they are refreshed."
        )


def _manifest_name(month: date) -> str:
    return f"manifests/hours-{month:%Y-%m}.json"


def _manifest(storage: Storage, month: date) -> HourlyManifest | None:
    return storage.read_json(_manifest_name(month), HourlyManifest)


def _exists(connection: Connection) -> bool:
    row = connection.execute(
        "select bool_and(to_regclass('analytics.' || name) is not null) from unnest(%s::text[]) as name",
        [list(HOURLY_ROLLUPS)],
    ).fetchone()
    return bool(row and row[0])


def _count(connection: Connection, table: sql.Identifier, where: sql.Composable | None = None) -> int:
    rows = sql.SQL("select count(*) from {} where {}").format(table, where or sql.SQL("true"))
    row = connection.execute(rows).fetchone()
    return int(row[0]) if row else 0


def _remade(connection: Connection, month: date) -> tuple[Any, ...] | None:
    """A value that changes with every refresh of an hour that cold storage has: the count and the sum of the times."""
    return connection.execute(
        sql.SQL(
            "select count(*), sum(extract(epoch from updated_at)) from market.remade_hours where {in_month}"
        ).format(in_month=_in_month(month))
    ).fetchone()


def _in_month(month: date) -> sql.Composed:
    start, end = month_bounds(month)
    return sql.SQL("hour >= {} and hour < {}").format(sql.Literal(start), sql.Literal(end))
