"""Marks: which buckets of which rollup must still be recomputed. Written by triggers, taken by dbt's hooks."""

from datetime import datetime

from tickettape.database import Connection
from tickettape.rollups.registry import LISTING_ROLLUPS


def pending_buckets(connection: Connection) -> dict[str, int]:
    """Buckets to recompute, by rollup; empty when every rollup is exact."""
    rows = connection.execute(
        """select rollup, count(*)
           from (select distinct rollup, event_key, bucket from market.dirty_buckets) as marked
           group by rollup order by rollup"""
    ).fetchall()
    return {str(rollup): int(count) for rollup, count in rows}


def mark_hours_between(connection: Connection, start: datetime, end: datetime) -> int:
    """Have the hours of [start, end) recomputed, those that only the rollup still knows too; how many."""
    known = """union
               select events.event_key, h.hour
               from analytics.event_hours as h inner join market.events on events.id = h.event_id
               where h.hour >= %(start)s and h.hour < %(end)s"""
    connection.execute(
        """insert into market.dirty_buckets (rollup, event_key, bucket)
           select rollup, event_key, hour
           from (
               select distinct event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z') as hour
               from market.listing_changes where tick >= %(start)s and tick < %(end)s
           ) as hours
           cross join unnest(%(rollups)s::text[]) as rollups (rollup)""",
        {"start": start, "end": end, "rollups": list(LISTING_ROLLUPS)},
    )
    known_ranges = """union
               select events.event_key, h.hour
               from analytics.range_hours as h inner join market.events on events.id = h.event_id
               where h.hour >= %(start)s and h.hour < %(end)s"""
    ranges = connection.execute(
        f"""insert into market.dirty_buckets (rollup, event_key, bucket)
            select 'range_hours', event_key, hour from (
                select distinct event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z')
                    as hour
                from market.price_ranges where tick >= %(start)s and tick < %(end)s
                {known_ranges if _is_made(connection, "range_hours") else ""}
            ) as hours""",  # noqa: S608
        {"start": start, "end": end},
    )
    done = connection.execute(
        f"""insert into market.dirty_buckets (rollup, event_key, bucket)
            select 'event_hours', event_key, hour from (
                select event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z') as hour
                from market.captures where tick >= %(start)s and tick < %(end)s
                {known if _is_made(connection, "event_hours") else ""}
            ) as hours""",  # noqa: S608
        {"start": start, "end": end},
    )
    return done.rowcount + ranges.rowcount


def _is_made(connection: Connection, rollup: str) -> bool:
    found = connection.execute("select to_regclass(%s) is not null", [f"analytics.{rollup}"]).fetchone()
    return bool(found and found[0])
