"""What a range of time holds, in counts: shown before and after a correction."""

from collections.abc import Mapping
from datetime import datetime

from tickettape.database import Connection
from tickettape.rollups.registry import ROLLUPS, Rollup


def count_window(
    connection: Connection, start: datetime, end: datetime, event_key: int | None = None
) -> dict[str, int]:
    """Captures by status, what their snapshots hold, price ranges, and rows of the rollups for [start, end).

    Of one event or all.

    Hours and days count where they overlap the range. A rollup that dbt has not made yet counts 0.
    """
    asked = {"start": start, "end": end, "event_key": event_key}
    of_event = "(%(event_key)s::integer is null or event_key = %(event_key)s)"
    statuses = connection.execute(
        f"""select status, count(*) from market.captures
            where tick >= %(start)s and tick < %(end)s and {of_event} group by status order by status""",  # noqa: S608
        asked,
    ).fetchall()
    counts = {f"captures {status}": int(count) for status, count in statuses}
    row = connection.execute(
        f"""select count(*), coalesce(sum(total_listings), 0), coalesce(sum(total_tickets), 0),
                coalesce(sum(price_sum_cents), 0)
            from market.all_snapshots
            where tick >= %(start)s and tick < %(end)s and {of_event}
                and date between (%(start)s at time zone 'UTC')::date and (%(end)s at time zone 'UTC')::date""",  # noqa: S608
        asked,
    ).fetchone()
    for name, value in zip(
        ("section snapshots", "listings", "tickets", "sum of prices (cents)"), row or (0,) * 4, strict=True
    ):
        counts[name] = int(value)
    ranges = connection.execute(
        f"select count(*) from market.price_ranges where tick >= %(start)s and tick < %(end)s and {of_event}",  # noqa: S608
        asked,
    ).fetchone()
    counts["price ranges"] = int(ranges[0]) if ranges else 0
    for rollup in ROLLUPS:
        if rollup.counted_as is not None:
            counts[rollup.counted_as] = _rows(connection, rollup, asked)
    return counts


def _rows(connection: Connection, rollup: Rollup, asked: Mapping[str, object]) -> int:
    table, column = rollup.name, "hour" if rollup.bucket == "hour" else "date"
    made = connection.execute("select to_regclass(%s) is not null", [f"analytics.{table}"]).fetchone()
    if not made or not made[0]:
        return 0
    first, last = (
        ("date_trunc('hour', %(start)s, 'UTC')", "%(end)s")
        if column == "hour"
        else (
            "(%(start)s at time zone 'UTC')::date",
            "((%(end)s - interval '1 microsecond') at time zone 'UTC')::date + 1",
        )
    )
    row = connection.execute(
        f"""select count(*) from analytics.{table} as rollup
            where {column} >= {first} and {column} < {last}
                and (%(event_key)s::integer is null
                     or event_id = (select id from market.events where event_key = %(event_key)s))""",  # noqa: S608
        asked,
    ).fetchone()
    return int(row[0]) if row else 0
