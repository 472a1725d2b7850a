"""What tests ask about rollups and marks."""

from typing import Any

from tickettape.database import Connection
from tickettape.rollups import ROLLUP_NAMES

Rows = list[tuple[Any, ...]]


def content(connection: Connection, rollup: str) -> Rows:
    """The rows of a rollup without the time at which they were computed, in order."""
    return connection.execute(
        f"select to_jsonb(r) - 'created_at' from analytics.{rollup} as r order by (to_jsonb(r) - 'created_at')::text"
    ).fetchall()


def contents(connection: Connection) -> dict[str, Rows]:
    """The content of every rollup."""
    return {rollup: content(connection, rollup) for rollup in ROLLUP_NAMES}


def versions(connection: Connection, rollup: str, where: str = "true") -> Rows:
    """The physical rows of a rollup: rewritten, they are others."""
    return connection.execute(
        f"select xmin::text, ctid::text from analytics.{rollup} where {where} order by ctid"
    ).fetchall()


def marks_of(connection: Connection, rollup: str | None = None) -> set[tuple[Any, ...]]:
    """The buckets that wait: (rollup, event, bucket as text)."""
    rows = connection.execute("select distinct rollup, event_key, bucket::text from market.dirty_buckets").fetchall()
    return {row for row in rows if rollup in (None, row[0])}


def limit_claims(connection: Connection, buckets: int) -> None:
    """Let each claim of this connection take at most so many buckets."""
    connection.execute("select set_config('tickettape.claim_limit', %s, false)", [str(buckets)])
