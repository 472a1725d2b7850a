"""Restore a month: load it from cold storage into the database, equal to what was archived, and pin it.

The month is loaded into its own tables, compared with its manifest, and then attached. Before that nobody sees it.
Attaching marks nothing, so the rollups stay as they are. To rebuild the hours, mark them.
"""

import tempfile
import time
from collections.abc import Callable, Collection
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from psycopg import sql

from tickettape.archive.fingerprints import fingerprint_relation, parquet_columns
from tickettape.archive.month_archive import month_lock_name
from tickettape.archive.month_manifest import (
    DIMENSION_TABLES,
    FACT_TABLES,
    ArchivedTable,
    MonthManifest,
    month_table,
    read_month_manifest,
)
from tickettape.archive.parquet_files import copy_rows
from tickettape.database import (
    MONTHLY_TABLES,
    Connection,
    attach_partition,
    month_bounds,
    try_lock,
    with_short_lock_waits,
)
from tickettape.file_storage import DamagedError, Storage

_SAME = {
    "events": ("source", "external_id"),
    "zones": ("external_id", "name"),
    "sections": ("zone_key", "external_id"),
    "offer_terms": ("quantity", "buyable"),
}
"""The columns that must be equal in both databases for a dimension's key to mean the same."""

_IDENTITIES = {"events": "event_key", "zones": "zone_key", "sections": "section_key", "offer_terms": "offer_terms_key"}


class RestoreError(Exception):
    """A month could not be restored."""


def restore_month(
    connection: Connection, storage: Storage, month: date, *, until: date | None, say: Callable[[str], None]
) -> dict[str, Any]:
    """Restore a month and pin it through `until` (None: until it is released). Returns figures.

    If the month is restored already, only its pin is renewed. Raises RestoreError or DamagedError; the month then stays
    as it was.
    """
    started = time.monotonic()
    with try_lock(connection, month_lock_name(month)) as alone:
        if not alone:
            raise RestoreError(f"Another process is archiving or restoring {month:%Y-%m}. Wait until it ends.")
        row = connection.execute("select state from market.months where month = %s", [month]).fetchone()
        state = row[0] if row else "not known here"
        if state == "restored":
            _pin(connection, month, until)
            return {"rows restored": 0, "already restored": True}
        if state in ("open", "closed"):
            raise RestoreError(
                f"{month:%Y-%m} is {state}: its rows are in the database, so there is nothing to restore."
            )
        manifest = read_month_manifest(storage, month)
        columns = {table: _columns(connection, table, manifest) for table in _facts(manifest)}
        with connection.transaction():
            known = load_dimensions(connection, storage, manifest)
        say(f"dimensions: {known} rows were new to this database")
        for table in _facts(manifest):
            load_table(connection, storage, manifest.tables[table], _loading(table, month), table, say)
        for table in _facts(manifest):
            content = manifest.tables[table].content
            found = fingerprint_relation(connection, sql.Identifier("market", _loading(table, month)), columns[table])
            if differences := content.differences(found):
                raise DamagedError(
                    f"{table} of {month:%Y-%m} differs from its manifest after it was loaded "
                    f"({'; '.join(differences[:5])}). It was not attached."
                )
            say(f"verified: {table} is equal, {content.rows} rows")
        with_short_lock_waits(
            connection, lambda: _attach(connection, month, until, _facts(manifest)), f"Attaching {month:%Y-%m}"
        )
        say("attached")
    seconds = time.monotonic() - started
    return {
        "rows restored": manifest.rows,
        "rows restored a second": round(manifest.rows / seconds),
        "dimension rows new": known,
        "seconds": round(seconds, 3),
    }


def release_month(connection: Connection, month: date) -> None:
    """End a restored month's pin, so that it can be archived again. Raises RestoreError if it is not restored."""
    done = connection.execute(
        "update market.months set pinned_until = null, updated_at = now() where month = %s and state = 'restored'",
        [month],
    )
    if not done.rowcount:
        raise RestoreError(f"{month:%Y-%m} is not a restored month, so there is nothing to release.")


def load_table(
    connection: Connection,
    storage: Storage,
    stored: ArchivedTable,
    target: str,
    like: str,
    say: Callable[[str], None],
) -> None:
    """Load a table's files into the new table `target` of schema market, which is made like `like`, in one transaction.

    A table of that name from an earlier load is dropped. Raises DamagedError if a file is not as its manifest says.
    """
    table = sql.Identifier("market", target)
    with connection.transaction(), tempfile.TemporaryDirectory(prefix="tickettape-") as scratch:
        connection.execute(sql.SQL("drop table if exists {}").format(table))
        connection.execute(
            sql.SQL("create table {} (like {} including all excluding indexes)").format(
                table, sql.Identifier("market", like)
            )
        )
        # FREEZE: the rows will not change, so vacuum need not write them again
        copy_rows(
            connection,
            storage,
            stored.files,
            stored.renamed_columns,
            table,
            Path(scratch),
            lambda rows: say(f"{like}: {rows} rows loaded"),
            "freeze",
        )
    connection.execute(sql.SQL("analyze {}").format(table))


_IN_DOLLARS = """
    update market.events set currency = 'USD'
    where currency is null and event_key in (select event_key from pg_temp.archived_events)"""
"""For months that were archived before events had a currency: all prices were in US dollars then."""


def load_dimensions(connection: Connection, storage: Storage, manifest: MonthManifest) -> int:
    """Add the month's events, zones, sections and offer terms that are not in this database. Returns how many rows.

    Raises RestoreError if a key means something else here: the month then comes from another database.
    """
    new = 0
    with tempfile.TemporaryDirectory(prefix="tickettape-") as scratch:
        for table in DIMENSION_TABLES:
            if table not in manifest.tables:
                continue  # archived before this table existed
            stored = manifest.tables[table]
            columns = sql.SQL(", ").join(map(sql.Identifier, stored.current_columns))
            names = {
                "table": sql.Identifier("market", table),
                "archived": sql.Identifier("pg_temp", f"archived_{table}"),
                "columns": columns,
                "mine": sql.SQL(", ").join(sql.Identifier("known", name) for name in _SAME[table]),
                "theirs": sql.SQL(", ").join(sql.Identifier("archived", name) for name in _SAME[table]),
                "same_key": sql.SQL(" and ").join(
                    sql.SQL("known.{0} = archived.{0}").format(sql.Identifier(name)) for name in DIMENSION_TABLES[table]
                ),
                "identity": sql.Identifier(_IDENTITIES[table]),
                "sequence": sql.Literal(f"market.{table}"),
                "identity_name": sql.Literal(_IDENTITIES[table]),
            }
            connection.execute(
                sql.SQL(
                    "create temp table {} (like {table} including defaults including generated) on commit drop"
                ).format(sql.Identifier(f"archived_{table}"), table=names["table"])
            )
            copy_rows(connection, storage, stored.files, stored.renamed_columns, names["archived"], Path(scratch))
            new += connection.execute(
                sql.SQL(
                    """insert into {table} ({columns}) overriding system value
                       select {columns} from {archived} on conflict do nothing"""
                ).format(**names)
            ).rowcount
            if table == "events" and "currency" not in stored.current_columns:
                connection.execute(_IN_DOLLARS)
            other = connection.execute(
                sql.SQL(
                    """select archived.* from {archived} as archived left join {table} as known on {same_key}
                       where ({mine}) is distinct from ({theirs}) limit 1"""
                ).format(**names)
            ).fetchone()
            if other is not None:
                raise RestoreError(
                    f"{manifest.month} was archived by another database: {table} uses the key of {other} for "
                    "something else here. Restore the month into an empty database, or into the one it came from."
                )
            connection.execute(
                sql.SQL(
                    """select setval(pg_get_serial_sequence({sequence}, {identity_name}), max({identity}))
                       from {table} having max({identity}) is not null"""
                ).format(**names)
            )
    return new


def _facts(manifest: MonthManifest) -> list[str]:
    """The tables of facts that the month was archived with. Tables that were added since are not among them."""
    return [table for table in FACT_TABLES if table in manifest.tables]


def _attach(connection: Connection, month: date, until: date | None, loaded: Collection[str]) -> None:
    for table in MONTHLY_TABLES:
        name = f"{table}_{month:%Y_%m}"
        if table not in loaded:
            connection.execute(
                sql.SQL("create table {} (like {} including all)").format(
                    sql.Identifier("market", _loading(table, month)), sql.Identifier("market", table)
                )
            )
        # the detached month may still be there; the rows that were just verified are equal to it
        connection.execute(sql.SQL("drop table if exists {}").format(month_table(table, month)))
        connection.execute(
            sql.SQL("alter table {} rename to {}").format(
                sql.Identifier("market", _loading(table, month)), sql.Identifier(name)
            )
        )
        attach_partition(connection, table, name, *month_bounds(month))
        connection.execute("select market.add_marks(%s)", [f"market.{name}"])
    connection.execute(
        """insert into market.months (month, state, restored_at) values (%s, 'restored', now())
           on conflict (month) do update set state = 'restored', restored_at = now()""",
        [month],
    )
    _pin(connection, month, until)


def _pin(connection: Connection, month: date, until: date | None) -> None:
    connection.execute(
        "update market.months set pinned_until = coalesce(%s, date 'infinity'), updated_at = now() where month = %s",
        [until, month],
    )


def _columns(connection: Connection, table: str, manifest: MonthManifest) -> dict[str, pa.DataType]:
    """The columns that were archived, with their types. Columns that were added since are not compared."""
    now = parquet_columns(connection, table)
    archived = manifest.tables[table].current_columns
    missing = [name for name in archived if name not in now]
    if missing:
        raise RestoreError(
            f"{manifest.month} was archived with schema {manifest.schema_version}, and {table} no longer has "
            f"{', '.join(missing)}. Read the Parquet files directly, or restore them into a database of that schema "
            "version."
        )
    return {name: now[name] for name in archived}


def _loading(table: str, month: date) -> str:
    return f"{table}_{month:%Y_%m}_loading"
