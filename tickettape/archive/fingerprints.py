"""Fingerprints: a table's content in a few numbers, computed in the same way in the database and from a Parquet file.

A fingerprint has the row count, the first and last tick, the sum and the number of NULLs of each column, and the sum of
the hashes of all rows, which does not depend on their order. The hash chains PostgreSQL's `hashint8extended` over the
columns, so it also shows values that were swapped between rows. For Parquet it is computed over arrays here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from tickettape.database import Connection

Words = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.int64]

INSTANT = pa.timestamp("us", "UTC")
TYPES: dict[str, pa.DataType] = {
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "bool": pa.bool_(),
    "timestamptz": INSTANT,
}
"""The Parquet types of PostgreSQL's types; numeric(p, s) is a decimal. Any other value is stored as its text."""

_SEED = 7_153_905  # any number except 0, for which hashint8extended does something else
_NULL = -(2**63)  # stands for NULL in the hash; NULLs are counted beside it


class Fingerprint(msgspec.Struct, frozen=True):
    """A table's content. Instants are microseconds since 1970, the row hash is hex. Texts and instants have no sum."""

    rows: int
    first_tick: int | None
    last_tick: int | None
    nulls: dict[str, int]
    sums: dict[str, int]
    row_hash: str

    def differences(self, other: "Fingerprint") -> list[str]:
        """The differences from another fingerprint, each as `name: this ≠ other`."""
        mine, theirs = _flat(self), _flat(other)
        return [
            f"{name}: {mine.get(name)} ≠ {theirs.get(name)}"
            for name in mine | theirs
            if mine.get(name) != theirs.get(name)
        ]


def parquet_columns(connection: Connection, table: str, *, schema: str = "market") -> dict[str, pa.DataType]:
    """All columns of a table with their Parquet types, including those that migrations added.

    Generated columns are left out: the database computes them again.
    """
    rows = connection.execute(
        """select attname, typname, atttypmod from pg_attribute inner join pg_type on pg_type.oid = atttypid
           where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = ''
           order by attnum""",
        [f"{schema}.{table}"],
    ).fetchall()
    return {name: _parquet_type(type_name, modifier) for name, type_name, modifier in rows}


def fingerprint_relation(
    connection: Connection, relation: sql.Composable, columns: Mapping[str, pa.DataType]
) -> Fingerprint:
    """The fingerprint of a relation in the database: a table, or a query in brackets with an alias."""
    summed = [name for name, kind in columns.items() if pa.types.is_integer(kind)]
    asked: list[sql.Composable] = [sql.SQL("count(*)")]
    if "tick" in columns:
        tick = _as_number("tick", INSTANT)
        asked += [sql.SQL("min({})").format(tick), sql.SQL("max({})").format(tick)]
    asked += [sql.SQL("count(*) - count({})").format(sql.Identifier(name)) for name in columns]
    asked += [sql.SQL("coalesce(sum({}), 0)").format(sql.Identifier(name)) for name in summed]
    asked.append(sql.SQL("coalesce(sum({}), 0)").format(_row_hash(columns)))
    row = connection.execute(sql.SQL("select {} from {}").format(sql.SQL(", ").join(asked), relation)).fetchone()
    assert row is not None  # noqa: S101  an aggregate without GROUP BY is one row
    values = iter(row)
    return Fingerprint(
        rows=next(values),
        first_tick=next(values) if "tick" in columns else None,
        last_tick=next(values) if "tick" in columns else None,
        nulls={name: next(values) for name in columns},
        sums={name: int(next(values)) for name in summed},
        row_hash=f"{int(next(values)) % 2**64:016x}",
    )


@dataclass
class ArrowFingerprint:
    """Computes the fingerprint of Arrow data, batch by batch."""

    columns: Mapping[str, pa.DataType]
    rows: int = 0
    ticks: list[int] = field(default_factory=list)
    nulls: dict[str, int] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)
    row_hash: int = 0

    def add(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Add a batch. It must have all of the columns."""
        hashed: npt.NDArray[np.uint64] | int = _SEED
        for name, kind in self.columns.items():
            column = batch.column(name)
            self.nulls[name] = self.nulls.get(name, 0) + column.null_count
            if pa.types.is_integer(kind):
                total: Any = pc.sum(column.cast(pa.int64())).as_py()
                self.sums[name] = self.sums.get(name, 0) + (total or 0)
            hashed = _hash(_numbers(column, kind), hashed)
        self.rows += batch.num_rows
        if batch.num_rows:
            assert not isinstance(hashed, int)  # noqa: S101  a table has columns
            self.row_hash = (self.row_hash + int(hashed.view(np.int64).sum(dtype=np.int64))) % 2**64
            if "tick" in self.columns:
                ticks = batch.column("tick").cast(pa.int64())
                found: Any = pc.min_max(ticks).as_py()
                self.ticks = [min([found["min"], *self.ticks]), max([found["max"], *self.ticks])]

    def fingerprint(self) -> Fingerprint:
        """The fingerprint of the batches so far."""
        summed = [name for name, kind in self.columns.items() if pa.types.is_integer(kind)]
        return Fingerprint(
            rows=self.rows,
            first_tick=self.ticks[0] if self.ticks else None,
            last_tick=self.ticks[-1] if self.ticks else None,
            nulls={name: self.nulls.get(name, 0) for name in self.columns},
            sums={name: self.sums.get(name, 0) for name in summed},
            row_hash=f"{self.row_hash:016x}",
        )


def _parquet_type(type_name: str, modifier: int) -> pa.DataType:
    if type_name == "numeric" and modifier >= 0:  # with a precision and a scale, as money has
        return pa.decimal128((modifier - 4) >> 16, (modifier - 4) & 0x7FF)
    return TYPES.get(type_name, pa.string())


def _as_number(name: str, kind: pa.DataType) -> sql.Composed:
    column = sql.Identifier(name)
    if pa.types.is_integer(kind):
        return sql.SQL("{}::bigint").format(column)
    if pa.types.is_boolean(kind):
        return sql.SQL("{}::integer::bigint").format(column)
    if pa.types.is_timestamp(kind):
        return sql.SQL("(extract(epoch from {}) * 1000000)::bigint").format(column)
    return sql.SQL("('x' || left(md5({}::text), 16))::bit(64)::bigint").format(column)


def _row_hash(columns: Mapping[str, pa.DataType]) -> sql.Composed:
    hashed: sql.Composable = sql.Literal(_SEED)
    for name, kind in columns.items():
        hashed = sql.SQL("hashint8extended(coalesce({}, {}), {})").format(
            _as_number(name, kind), sql.Literal(_NULL), hashed
        )
    return sql.SQL("{}").format(hashed)


def _numbers(column: Any, kind: pa.DataType) -> Numbers:
    """A column as the int64 numbers that `_as_number` gives in SQL, with _NULL for NULL."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_decimal(kind):
        column, kind = column.cast(pa.string()), pa.string()  # hashed as the text that PostgreSQL shows
    if pa.types.is_string(kind):
        coded = column.dictionary_encode()
        texts = [hashlib.md5(text.encode(), usedforsecurity=False).digest() for text in coded.dictionary.to_pylist()]
        values = np.array(
            [int.from_bytes(digest[:8], "big", signed=True) for digest in texts] + [_NULL], dtype=np.int64
        )
        codes = coded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
        coded_numbers: Numbers = values[codes]
        return coded_numbers
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    numbers: Numbers = column.cast(pa.int64()).fill_null(_NULL).to_numpy(zero_copy_only=False)
    return numbers


def _hash(values: Numbers, seed: npt.NDArray[np.uint64] | int) -> npt.NDArray[np.uint64]:
    """PostgreSQL's hashint8extended(value, seed), over arrays (src/common/hashfn.c: Bob Jenkins' lookup3)."""
    bits = values.view(np.uint64)
    low, high = bits.astype(np.uint32), (bits >> np.uint64(32)).astype(np.uint32)
    key = low ^ np.where(values >= 0, high, ~high)
    start = np.uint32((0x9E3779B9 + 4 + 3923095) % 2**32)
    seeds = np.atleast_1d(np.asarray(seed, dtype=np.uint64))  # an array, because scalars warn when they overflow
    a = start + (seeds >> np.uint64(32)).astype(np.uint32)
    b = start + seeds.astype(np.uint32)
    c = np.full_like(b, start)
    a, b, c = _mix(a, b, c)
    a, b, c = _final(a + key, b + np.zeros_like(key), c + np.zeros_like(key))
    return (b.astype(np.uint64) << np.uint64(32)) | c


def _rotated(word: Words, bits: int) -> Words:
    return (word << np.uint32(bits)) | (word >> np.uint32(32 - bits))


def _mix(a: Words, b: Words, c: Words) -> tuple[Words, Words, Words]:
    for first, second, third in ((4, 6, 8), (16, 19, 4)):
        a = (a - c) ^ _rotated(c, first)
        c = c + b
        b = (b - a) ^ _rotated(a, second)
        a = a + c
        c = (c - b) ^ _rotated(b, third)
        b = b + a
    return a, b, c


def _final(a: Words, b: Words, c: Words) -> tuple[Words, Words, Words]:
    c = (c ^ b) - _rotated(b, 14)
    a = (a ^ c) - _rotated(c, 11)
    b = (b ^ a) - _rotated(a, 25)
    c = (c ^ b) - _rotated(b, 16)
    a = (a ^ c) - _rotated(c, 4)
    b = (b ^ a) - _rotated(a, 14)
    c = (c ^ b) - _rotated(b, 24)
    return a, b, c


def _flat(fingerprint: Fingerprint) -> dict[str, Any]:
    flat = {"rows": fingerprint.rows, "first tick": fingerprint.first_tick, "last tick": fingerprint.last_tick}
    flat |= {f"NULLs of {name}": count for name, count in fingerprint.nulls.items()}
    flat |= {f"sum of {name}": total for name, total in fingerprint.sums.items()}
    return {**flat, "row hash": fingerprint.row_hash}
