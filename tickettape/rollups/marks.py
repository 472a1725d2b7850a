"""Marks: which buckets of which rollup must still be recomputed. Triggers write them, and hooks in dbt claim them."""

from collections.abc import Sequence
from datetime import datetime

from tickettape.database import Connection
from tickettape.rollups.registry import MARKED_BY


def pending_buckets(connection: Connection, since: datetime | None = None) -> dict[str, int]:
    """The number of marked buckets by rollup; empty if all rollups are exact. `since`: only those of its day or later.

    Buckets that are a whole event always count.
    """
    rows = connection.execute(
        """select rollup, count(*)
           from (
               select distinct rollup, event_key, bucket from market.dirty_buckets
               where %(since)s::timestamptz is null or bucket = '-infinity'
                   or bucket >= date_trunc('day', %(since)s::timestamptz, 'UTC')
           ) as marked
           group by rollup order by rollup""",
        {"since": since},
    ).fetchall()
    return {str(rollup): int(count) for rollup, count in rows}


def pending_sales(connection: Connection) -> int:
    """The most buckets that a rollup of the box office has marked; 0 if all are exact."""
    row = connection.execute(
        """select coalesce(max(buckets), 0) from (
               select count(distinct (event_id, hour)) as buckets from box_office.sales_marks group by rollup
           ) as marked"""
    ).fetchone()
    return int(row[0]) if row else 0


def oldest_mark(connection: Connection) -> datetime | None:
    """The time of the oldest mark; None if there are no marks."""
    row = connection.execute("select min(marked_at) from market.dirty_buckets").fetchone()
    return row[0] if row else None


def mark_hours_between(connection: Connection, start: datetime, end: datetime) -> int:
    """Mark all hours of [start, end), including hours that have rows only in a rollup. Returns how many event hours."""
    marks = " union all ".join(_marks(connection, facts, rollups) for facts, rollups in MARKED_BY.items())
    row = connection.execute(
        f"""with marked as (
                insert into market.dirty_buckets (rollup, event_key, bucket) {marks} returning event_key, bucket
            )
            select count(distinct (event_key, bucket)) from marked""",  # noqa: S608
        {"start": start, "end": end},
    ).fetchone()
    return int(row[0]) if row else 0


def in_rollups(connection: Connection, facts: str) -> str:
    """A condition in SQL: whether a row of `events` still has hours in a rollup that this table of facts marks."""
    return (
        " or ".join(
            f"exists (select from analytics.{rollup} as known where known.event_id = events.id)"
            for rollup in MARKED_BY[facts]
            if is_made(connection, rollup)
        )
        or "false"
    )


def _marks(connection: Connection, facts: str, rollups: Sequence[str]) -> str:
    """A query for marks: every hour in a table of facts or in the rollups that it marks, for each of those rollups."""
    hours = [
        f"""select distinct event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z') as hour
            from market.{facts} where tick >= %(start)s and tick < %(end)s""",  # noqa: S608
        *(
            f"""select events.event_key, known.hour
                from analytics.{rollup} as known inner join market.events on events.id = known.event_id
                where known.hour >= %(start)s and known.hour < %(end)s"""  # noqa: S608
            for rollup in rollups
            if is_made(connection, rollup)
        ),
    ]
    names = ", ".join(f"'{rollup}'" for rollup in rollups)
    return f"""select rollup, event_key, hour from ({" union ".join(hours)}) as hours
               cross join unnest(array[{names}]) as rollups (rollup)"""  # noqa: S608


def is_made(connection: Connection, rollup: str) -> bool:
    """Whether dbt has made a rollup's table."""
    found = connection.execute("select to_regclass(%s) is not null", [f"analytics.{rollup}"]).fetchone()
    return bool(found and found[0])
