"""Hourly rollups as Parquet: written in key order, read back through the way that brings them back, compared."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from tickettape.database import Connection
from tickettape.file_storage import DamagedError, Storage
from tickettape.rollups import HOURLY_ROLLUPS

ROWS_AT_ONCE = 20_000  # bounds the memory of an export: some 10 MB of rows


class HourlyStorageError(Exception):
    """A month of hours that stays where it is."""


def hours_writer(connection: Connection, table: sql.Identifier) -> Callable[[BinaryIO], None]:
    """What writes a table as Parquet, zstd, in key order."""

    def write(file: BinaryIO) -> None:
        with connection.transaction(), connection.cursor(name="cold_hours") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(sql.SQL("select * from {} order by event_id, hour").format(table))
            columns = cursor.description or []
            schema = pa.schema([(column.name, _arrow_type(column)) for column in columns])
            with pq.ParquetWriter(file, schema, compression="zstd") as parquet:
                while rows := cursor.fetchmany(ROWS_AT_ONCE):
                    values = zip(*rows, strict=True)
                    arrays = [
                        pa.array(map(str, column) if field.name == "event_id" else column, field.type)
                        for field, column in zip(schema, values, strict=True)
                    ]
                    parquet.write_batch(pa.record_batch(arrays, schema=schema))

    return write


def hours_reader_check(
    connection: Connection, storage: Storage, table: str, gathered: sql.Identifier
) -> Callable[[str], None]:
    """What reads a written file back through the way that brings hours back, and compares both ways."""

    def check(name: str) -> None:
        with scratch_tables(connection, "read_back") as read_back:
            load_hours(connection, storage, name, read_back[table])
            different = connection.execute(
                sql.SQL(
                    """select count(*) from (
                           (select * from {a} except all select * from {b})
                           union all (select * from {b} except all select * from {a})) as different"""
                ).format(a=gathered, b=read_back[table])
            ).fetchone()
        if different is None or different[0]:
            rows = different[0] if different else "unknown"
            raise DamagedError(
                f"{name} differs from the database after it was read back (rows: {rows}). Nothing was deleted."
            )

    return check


def load_hours(connection: Connection, storage: Storage, name: str, table: sql.Identifier) -> None:
    with storage.fs.open(storage.path(name), "rb") as file, connection.cursor() as cursor:
        parquet = pq.ParquetFile(file)
        columns = sql.SQL(", ").join(map(sql.Identifier, parquet.schema_arrow.names))
        with cursor.copy(sql.SQL("copy {} ({}) from stdin").format(table, columns)) as copy:
            for batch in parquet.iter_batches(batch_size=ROWS_AT_ONCE):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    copy.write_row(row)


def _arrow_type(column: Any) -> pa.DataType:
    """The Arrow type that holds a column exactly."""
    types: dict[str, pa.DataType] = {
        "uuid": pa.string(),
        "text": pa.string(),
        "varchar": pa.string(),
        "bool": pa.bool_(),
        "int4": pa.int32(),
        "int8": pa.int64(),
        "timestamptz": pa.timestamp("us", "UTC"),
    }
    name = str(column.type_display).partition("(")[0]
    if name == "numeric":
        return pa.decimal128(column.precision, column.scale)
    if name not in types:
        raise HourlyStorageError(
            f"Column {column.name} has type {name}, which the export does not support. Add it to `_arrow_type`."
        )
    return types[name]


@contextmanager
def scratch_tables(connection: Connection, prefix: str) -> Iterator[dict[str, sql.Identifier]]:
    """Empty temporary tables with the columns of the marts, for the block."""
    names = {table: sql.Identifier("pg_temp", f"{prefix}_{table}") for table in HOURLY_ROLLUPS}
    try:
        for table, name in names.items():
            connection.execute(sql.SQL("create table {} (like {})").format(name, mart_table(table)))
        yield names
    finally:
        if not connection.closed:
            for name in names.values():
                connection.execute(sql.SQL("drop table if exists {}").format(name))


def mart_table(table: str) -> sql.Identifier:
    return sql.Identifier("analytics", table)
