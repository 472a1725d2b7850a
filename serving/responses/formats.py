"""Rows as JSON, CSV or Parquet, as Accept prefers. JSON and CSV are compressed if the client accepts gzip.

All requests share one thread, so a long response is made in pieces, and others have their turn between two of them. A
second thread is used only for work that does not hold Python's lock: each time this one reads or writes a socket, the
other would take the lock and keep it for milliseconds.
"""

import asyncio
import csv
import gzip
import io
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from psycopg import AsyncClientCursor
from starlette.requests import Request
from starlette.responses import Response

from serving.responses.problems import Problem

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
OFFERED = (JSON, CSV, PARQUET)
VARY = "Accept, Accept-Encoding, X-API-Key, Authorization"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
WORTH_COMPRESSING = 1_000  # bytes; a smaller response is mostly headers
LONG = 100_000  # bytes; to compress them takes longer than to start a thread
PIECE = 250  # rows; a millisecond's work


def accepted_media_type(request: Request) -> str:
    """The media type of the response: the offered one with the highest weight in Accept. Raises Problem 406."""
    header = request.headers.get("accept")
    if not header:
        return JSON
    weights = dict.fromkeys(OFFERED, (0.0, 0))
    for part in header.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((_number(p[2:]) for p in parameters if p.startswith("q=")), 1.0)
        for offered in OFFERED:
            precise = {offered: 3, f"{offered.partition('/')[0]}/*": 2, "*/*": 1}.get(name, 0)
            if precise > weights[offered][1]:
                weights[offered] = (weight, precise)
    best = max(OFFERED, key=lambda offered: weights[offered][0])
    if not weights[best][0]:
        raise Problem(406, f"Accept is {header!r}, but the available formats are {', '.join(OFFERED)}.")
    return best


async def rows_of(cursor: "AsyncClientCursor[Any]") -> list[tuple[Any, ...]]:
    """All rows of a cursor."""
    rows: list[tuple[Any, ...]] = []
    while piece := await cursor.fetchmany(PIECE):
        rows += piece
        await asyncio.sleep(0)
    return rows


async def as_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as CSV with a header line."""
    pieces = [csv_of([columns])]
    for first in range(0, len(rows), PIECE):
        pieces.append(csv_of(rows[first : first + PIECE]))
        await asyncio.sleep(0)
    return "".join(pieces).encode()


def csv_of(rows: Sequence[Sequence[Any]]) -> str:
    """Lines of CSV. Instants are ISO 8601; null is empty.

    Names come from marketplaces, and spreadsheets run a text cell as a formula if it begins with one of FORMULA_STARTS.
    So an apostrophe is put before such text. Numbers stay as they are.
    """
    text = io.StringIO()
    csv.writer(text).writerows(
        [value.isoformat() if hasattr(value, "isoformat") else _words(value) for value in row] for row in rows
    )
    return text.getvalue()


async def as_parquet(columns: Sequence[tuple[str, int]], rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as Parquet (zstd). `columns`: names with the oids of their PostgreSQL types."""
    # takes a third of a second to import, which is too long for the others who are waiting
    pa, pq = await asyncio.to_thread(lambda: (import_module("pyarrow"), import_module("pyarrow.parquet")))
    types = {
        16: pa.bool_(), 20: pa.int64(), 23: pa.int32(), 1082: pa.date32(), 1184: pa.timestamp("us", "UTC"),
        1700: pa.decimal128(12, 2), 1009: pa.list_(pa.string()), 1015: pa.list_(pa.string()),
        701: pa.float64(), 1007: pa.list_(pa.int32()), 1231: pa.list_(pa.decimal128(12, 2)),
    }  # fmt: skip
    schema = pa.schema([(name, types.get(oid, pa.string())) for name, oid in columns])
    arrays = []
    for n, field in enumerate(schema):
        as_text = field.type == pa.string()
        pieces = []
        for first in range(0, max(len(rows), 1), PIECE):
            values = [row[n] for row in rows[first : first + PIECE]]
            if as_text:
                values = [value if value is None else str(value) for value in values]
            pieces.append(pa.array(values, field.type))
            await asyncio.sleep(0)
        arrays.append(pa.chunked_array(pieces, field.type))
    out = io.BytesIO()
    await asyncio.to_thread(pq.write_table, pa.Table.from_arrays(arrays, schema=schema), out, compression="zstd")
    return out.getvalue()


async def respond(request: Request, body: bytes, media_type: str, headers: dict[str, str]) -> Response:
    """The response, gzipped if it is large enough and the client accepts gzip."""
    headers["vary"] = VARY
    if _accepts_gzip(request) and len(body) > WORTH_COMPRESSING and media_type != PARQUET:
        if len(body) > LONG:
            body = await asyncio.to_thread(gzip.compress, body, 1, mtime=0)
        else:
            body = gzip.compress(body, 1, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(body, 200, headers, media_type)


def _words(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    text = " ".join("null" if one is None else str(one) for one in value) if isinstance(value, list) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(FORMULA_STARTS) else text


def _accepts_gzip(request: Request) -> bool:
    weights = {}
    for part in ",".join(request.headers.getlist("accept-encoding")).split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weights[name] = next((_number(p[2:]) for p in parameters if p.startswith("q=")), 1.0)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
