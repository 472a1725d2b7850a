"""Hourly rollups as Parquet: write them in key order, load them again, and compare the two."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import Column, sql

from tickettape.database import Connection
from tickettape.file_storage import DamagedError, Storage
from tickettape.rollups import HOURLY_ROLLUPS

ROWS_AT_ONCE = 20_000  # bounds the memory of an export: some 10 MB of rows
MOST_DIGITS = 38  # the limit of Arrow's decimals with 128 bits
_ARROW_TYPES: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", "UTC"),
}


class HourlyStorageError(Exception):
    """A month of hours could not be moved. It stays where it is."""


def hours_writer(connection: Connection, table: sql.Identifier) -> Callable[[BinaryIO], None]:
    """A function that writes a table as Parquet (zstd) in key order."""

    def write(file: BinaryIO) -> None:
        with connection.transaction(), connection.cursor(name="cold_hours") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(
                sql.SQL("select {} from {} order by event_id, hour").format(exported_columns(connection, table), table)
            )
            schema = pa.schema(
                [(column.name, _arrow_type(column) or pa.string()) for column in cursor.description or ()]
            )
            with pq.ParquetWriter(file, schema, compression="zstd") as parquet:
                while rows := cursor.fetchmany(ROWS_AT_ONCE):
                    values = zip(*rows, strict=True)
                    arrays = [pa.array(column, field.type) for field, column in zip(schema, values, strict=True)]
                    parquet.write_batch(pa.record_batch(arrays, schema=schema))

    return write


def hours_reader_check(
    connection: Connection, storage: Storage, table: str, gathered: sql.Identifier
) -> Callable[[str], None]:
    """A function that loads a written file with `load_hours` and compares it with the table in both directions."""

    def check(name: str) -> None:
        with scratch_tables(connection, "read_back") as read_back:
            load_hours(connection, storage, name, read_back[table])
            different = connection.execute(
                sql.SQL(
                    """select count(*) from (
                           (select {columns} from {a} except all select {columns} from {b})
                           union all (select {columns} from {b} except all select {columns} from {a})) as different"""
                ).format(columns=exported_columns(connection, gathered), a=gathered, b=read_back[table])
            ).fetchone()
        if different is None or different[0]:
            rows = different[0] if different else "unknown"
            raise DamagedError(
                f"{name} differs from the database after it was read back (rows: {rows}). Nothing was deleted."
            )

    return check


def load_hours(connection: Connection, storage: Storage, name: str, table: sql.Identifier) -> None:
    """Load a file into a scratch table. A column that is newer than the file gets its default, or null.

    Raises HourlyStorageError if a column of the file is no longer in the table, or if a column that the file lacks is
    not null and has no default.
    """
    with storage.fs.open(storage.path(name), "rb") as file, connection.cursor() as cursor:
        parquet = pq.ParquetFile(file)
        _refuse_other_columns(connection, name, parquet.schema_arrow.names, table)
        columns = sql.SQL(", ").join(map(sql.Identifier, parquet.schema_arrow.names))
        with cursor.copy(sql.SQL("copy {} ({}) from stdin").format(table, columns)) as copy:
            for batch in parquet.iter_batches(batch_size=ROWS_AT_ONCE):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    copy.write_row(row)


def exported_columns(connection: Connection, table: sql.Identifier) -> sql.Composed:
    """A table's columns as they are exported and compared. A type that Arrow lacks becomes text, which is exact too."""
    described = connection.execute(sql.SQL("select * from {} limit 0").format(table)).description or ()
    return sql.SQL(", ").join(
        sql.Identifier(column.name)
        if _arrow_type(column)
        else sql.SQL("{0}::text as {0}").format(sql.Identifier(column.name))
        for column in described
    )


def _arrow_type(column: Column) -> pa.DataType | None:
    """The Arrow type that holds a column exactly; None if only its text is exact."""
    name = column.type_display.partition("(")[0]
    if name == "numeric" and column.precision and column.precision <= MOST_DIGITS:
        return pa.decimal128(column.precision, column.scale)
    return _ARROW_TYPES.get(name)


def _refuse_other_columns(connection: Connection, name: str, in_file: Collection[str], table: sql.Identifier) -> None:
    needs_value: dict[str, bool] = dict(
        connection.execute(
            """select attname::text, attnotnull and not atthasdef from pg_attribute
               where attrelid = %s::regclass and attnum > 0 and not attisdropped""",
            [table.as_string(connection)],
        ).fetchall()
    )
    gone = [column for column in in_file if column not in needs_value]
    if gone:
        raise HourlyStorageError(
            f"{name} has a column that its table no longer has: {', '.join(gone)}. Add it to the table again: "
            "its values would be lost."
        )
    unknown = [column for column, needed in needs_value.items() if needed and column not in in_file]
    if unknown:
        raise HourlyStorageError(
            f"{name} is older than {', '.join(unknown)}, and its rows need a value there. Give the column a default "
            "in its table, or let it be null."
        )


@contextmanager
def scratch_tables(connection: Connection, prefix: str) -> Iterator[dict[str, sql.Identifier]]:
    """Empty temporary tables with the columns and defaults of the hourly rollups, for the block."""
    names = {table: sql.Identifier("pg_temp", f"{prefix}_{table}") for table in HOURLY_ROLLUPS}
    try:
        for table, name in names.items():
            connection.execute(sql.SQL("create table {} (like {} including defaults)").format(name, mart_table(table)))
        yield names
    finally:
        if not connection.closed:
            for name in names.values():
                connection.execute(sql.SQL("drop table if exists {}").format(name))


def mart_table(table: str) -> sql.Identifier:
    return sql.Identifier("analytics", table)
