"""Rows as Parquet files, such as a table's month: written from the server's own text, read back into a fingerprint.

The unit of memory is a row group, whatever the month's size. A name is <table>/year=2026/month=03/part-0.parquet,
as hive-partitioned data sets are read. Which tables, and when: `archive`.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq
from psycopg import sql

from tickettape.archive.fingerprints import ArrowFingerprint, Fingerprint, parquet_columns
from tickettape.database import Connection
from tickettape.file_storage import TEMPORARY, DamagedError, Storage, StoredFile

ROW_GROUP = 2**18  # rows: 25 MB as text, the unit of memory here; and 1 to 3 events, so that readers skip the others
PART_ROWS = 40 * ROW_GROUP  # rows a file: some 100 MB, what readers split their work by and a failed upload repeats
BATCH = 2**16  # rows that are turned into text at once: 6 MB

Say = Callable[[str], None]


def write_parquet(
    connection: Connection,
    storage: Storage,
    table: str,
    key: tuple[str, ...],
    source: sql.Composable,
    month: date,
    say: Say,
) -> Iterator[tuple[int, StoredFile]]:
    """Write a month's rows of a table of schema market, as `write_rows` does. `source` has the table's columns."""
    columns = parquet_columns(connection, table)
    return write_rows(connection, storage, parquet_folder(table, month), columns, key, source, say)


def write_rows(
    connection: Connection,
    storage: Storage,
    folder: str,
    columns: Mapping[str, pa.DataType],
    key: tuple[str, ...],
    source: sql.Composable,
    say: Say,
) -> Iterator[tuple[int, StoredFile]]:
    """Write a relation's rows, in key order, in place of what is in the folder; (rows, file) of each file.

    The same rows give the same bytes. No rows are one empty file.
    """
    clear_folder(storage, folder)
    schema = pa.schema(list(columns.items()))
    query = sql.SQL("copy (select {} from {} order by {}) to stdout (format csv)").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), source, sql.SQL(", ").join(map(sql.Identifier, key))
    )
    with connection.transaction(), connection.cursor() as cursor, cursor.copy(query) as copy:
        groups = _Groups(copy, schema)
        number = 0
        while number == 0 or groups.waiting is not None:
            before = groups.rows_taken
            what = f"exported: {folder.partition('/')[0]} part {number}"
            file = storage.write(
                f"{folder}/part-{number}.parquet",
                partial(_write_part, groups=groups, schema=schema, say=say, what=what),
            )
            say(f"{what} is stored")
            yield groups.rows_taken - before, file
            number += 1


def read_back_parquet(
    storage: Storage, files: list[str], columns: Mapping[str, pa.DataType]
) -> tuple[Fingerprint, list[StoredFile]]:
    """The fingerprint of files in cold storage, and the files as they are. Raises DamagedError."""
    tally = ArrowFingerprint(columns)
    found = []
    with tempfile.TemporaryDirectory(prefix="tickettape-") as scratch:
        for name in files:
            path = storage.local_path(name, Path(scratch))
            found.append(_as_it_is(name, path))
            try:
                for batch in pq.ParquetFile(path).iter_batches(batch_size=ROW_GROUP // 4, use_threads=True):
                    tally.add(batch)
            except (pa.ArrowException, OSError, KeyError) as error:
                raise DamagedError(f"{name} in {storage} cannot be read: {error}") from error
            if path.parent == Path(scratch):
                path.unlink()
    return tally.fingerprint(), found


def copy_rows(
    connection: Connection,
    storage: Storage,
    files: Iterable[StoredFile],
    columns: Mapping[str, str],
    table: sql.Composable,
    scratch: Path,
    progress: Callable[[int], None] = lambda _: None,
    *options: str,
) -> None:
    """Copy files into a table. `columns`: their name in the files -> in the table. Raises DamagedError."""
    copy = sql.SQL("copy {} ({}) from stdin ({})").format(
        table,
        sql.SQL(", ").join(map(sql.Identifier, columns.values())),
        sql.SQL(", ").join(map(sql.SQL, ("format csv", *options))),
    )
    rows = 0
    with connection.cursor() as cursor, cursor.copy(copy) as stream:
        for file in files:
            path = storage.fetch(file, scratch)
            try:
                for batch in pq.ParquetFile(path).iter_batches(batch_size=BATCH, columns=list(columns)):
                    text = pa.BufferOutputStream()
                    pv.write_csv(batch, text, pv.WriteOptions(include_header=False))
                    stream.write(text.getvalue())
                    rows += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                raise DamagedError(f"{file.path} in {storage} cannot be read: {error}") from error
            progress(rows)
            if path.parent == scratch:
                path.unlink()


def parquet_folder(table: str, month: date) -> str:
    """Where a table's month is in cold storage."""
    return f"{table}/year={month:%Y}/month={month:%m}"


def parquet_names(storage: Storage, table: str, month: date) -> list[str]:
    """A table's files of a month, in order."""
    return names_in(storage, parquet_folder(table, month))


def names_in(storage: Storage, folder: str) -> list[str]:
    """A folder's files, in order."""
    found = storage.names(f"{folder}/part-*.parquet")
    return sorted(found, key=lambda name: int(name.rpartition("-")[2].removesuffix(".parquet")))


def clear_folder(storage: Storage, folder: str) -> None:
    """Remove what an earlier export left, unfinished files too. The database has all of it."""
    for pattern in ("part-*.parquet", f"{TEMPORARY}*"):
        for name in storage.names(f"{folder}/{pattern}"):
            storage.remove(name)


def _as_it_is(name: str, path: Path) -> StoredFile:
    """A stored file as it is, from its copy on this machine."""
    with path.open("rb") as content:
        return StoredFile(name, path.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest())


class _Groups:
    """A COPY's rows as tables of ROW_GROUP rows, the next one at hand."""

    def __init__(self, copy: Iterable[Any], schema: pa.Schema) -> None:
        self._groups = _row_groups(copy, schema)
        self.waiting: pa.Table | None = next(self._groups, None)
        self.rows_taken = 0

    def take(self) -> pa.Table | None:
        """The next one; None at the end."""
        group, self.waiting = self.waiting, next(self._groups, None)
        self.rows_taken += group.num_rows if group is not None else 0
        return group


def _write_part(file: BinaryIO, *, groups: _Groups, schema: pa.Schema, say: Say, what: str) -> None:
    written = 0
    with pq.ParquetWriter(file, schema, compression="zstd") as parquet:
        while written < PART_ROWS and (group := groups.take()) is not None:
            parquet.write_table(group, row_group_size=ROW_GROUP)
            written += group.num_rows
            say(f"{what}, {written} rows")


def _row_groups(copy: Iterable[Any], schema: pa.Schema) -> Iterator[pa.Table]:
    lines: list[bytes] = []
    for line in copy:  # the server sends one row a message
        lines.append(bytes(line))
        if len(lines) == ROW_GROUP:
            yield _parsed(lines, schema)
            lines = []
    if lines:
        yield _parsed(lines, schema)


def _parsed(lines: list[bytes], schema: pa.Schema) -> pa.Table:
    return pv.read_csv(
        pa.BufferReader(b"".join(lines)),
        read_options=pv.ReadOptions(column_names=schema.names),
        parse_options=pv.ParseOptions(newlines_in_values=any(map(pa.types.is_string, schema.types))),
        convert_options=pv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,  # PostgreSQL writes NULL bare and an empty text in quotes
            true_values=["t"],
            false_values=["f"],
        ),
    )
