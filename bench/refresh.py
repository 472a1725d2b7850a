"""Measure the SQL of a refresh of the rollups: the statements that dbt runs, compared with a plain aggregate.

The plain aggregate reads the same hours of the same events and groups them by zone, as anybody would write it to
compute the hour's prices, tickets and listings from scratch.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bench import market
from bench.report import figure, heading, in_turn, say, seconds
from tests.support.recorded_refresh import Refresh, record
from tickettape.database import Connection
from tickettape.rollups.registry import SNAPSHOT_ROLLUPS

ROLLUPS = list(SNAPSHOT_ROLLUPS)  # the market here has no listings and no price ranges
LARGE = 20_000_000  # rows from which the bound on the hourly rollup is tighter

PLAIN = """
    select s.event_key, z.zone_key, date_bin('1 hour', s.tick, timestamptz '2000-01-01 00:00Z') as hour,
        min(lowest_price_cents), max(highest_price_cents), sum(price_sum_cents) / sum(total_listings),
        min(lowest_price_1ticket_cents), min(lowest_price_2tickets_cents), min(lowest_price_4tickets_cents),
        min(lowest_all_in_price_cents), sum(total_tickets), sum(total_listings), count(*)
    from market.section_snapshots s
    inner join market.sections z on z.event_key = s.event_key and z.section_key = s.section_key
    inner join market.captures c on c.event_key = s.event_key and c.tick = s.tick and c.status in ('ok', 'empty')
    where s.tick >= %(start)s and s.tick < %(end)s
    group by 1, 2, 3"""

SEED_VIEW = """
    create materialized view market.mv_price_trends_as_required as
    select event_key, zone_key, date_trunc('hour', tick) as hour, min(lowest_price_cents) as min_price,
        avg(price_sum_cents::numeric / total_listings) as avg_price, max(highest_price_cents) as max_price,
        count(*) as snapshot_count
    from market.section_snapshots inner join market.sections using (event_key, section_key)
    where tick > timestamptz '2026-10-19' group by 1, 2, 3"""


def run(connection: Connection, sizes: Sequence[int], repetitions: int) -> tuple[bool, Refresh, datetime]:
    """Print the ratios at each size (rows of section_snapshots); returns whether all hold, refresh and newest tick."""
    market.add_catalogue(connection)
    refresh = record()
    newest, made, holds, buffers = market.START, 0, True, []
    for rows in sizes:
        ticks = rows // (market.EVENTS * market.SECTIONS)
        # whole hours; from a week on whole days, so that a tick's day has all its hours at every size
        ticks -= ticks % (144 if ticks > 7 * 144 else 6)
        say(f"making {ticks * market.EVENTS * market.SECTIONS:,} rows")
        newest = market.add_ticks(connection, made, ticks)
        _build(connection, refresh, made, ticks)
        made = ticks
        hour = newest.replace(minute=0)
        heading(f"Refresh of one tick of {market.EVENTS} events over {ticks * market.EVENTS * market.SECTIONS:,} rows")
        window = {"start": hour, "end": hour + timedelta(hours=1)}

        def plain(window: dict[str, Any] = window) -> float:
            return seconds(lambda: connection.execute(PLAIN, window).fetchall())

        def refreshed(rollups: Sequence[str], hour: Any = hour) -> float:
            with connection.transaction(force_rollback=True):
                mark(connection, hour)
                if rollups[0] != ROLLUPS[0]:
                    refresh.run(connection, ROLLUPS[0])
                return seconds(lambda: refresh.run_all(connection, rollups))

        hourly, plain_seconds = in_turn(lambda: refreshed(["aggregated_analytics"]), plain, repetitions)
        every, plain_again = in_turn(lambda: refreshed(ROLLUPS), plain, repetitions)
        say(f"plain {plain_seconds:.3f} s, hourly {hourly:.3f} s, all rollups {every:.3f} s")
        # the fixed costs of a refresh (claims, a temporary table) matter less when the facts outgrow the caches
        most = 1.3 if rows >= LARGE else 1.5
        holds &= figure("the hourly rollup against a plain aggregate", hourly / plain_seconds, "×", most=most)
        # 3.5 was set for five rollups, and there are nine now; their fixed costs matter most for a small table
        most = 3.5 if rows >= LARGE else 4.0
        holds &= figure("all rollups of the tick against a plain aggregate", every / plain_again, "×", most=most)
        connection.execute("vacuum")  # what the repetitions left
        touched = _buffers(connection, refresh, hour)
        figure("buffers touched by all rollups", touched, "pages")
        buffers.append(touched)
    if len(buffers) > 1:
        holds &= figure("buffers at the largest size against the smallest", buffers[-1] / buffers[0], "×", most=1.1)
    heading("The materialized view of R-039 on the same rows")
    connection.execute(SEED_VIEW)
    view = seconds(lambda: connection.execute("refresh materialized view market.mv_price_trends_as_required"))
    figure("REFRESH MATERIALIZED VIEW against the hourly rollup", view / hourly, "×")
    connection.execute("drop materialized view market.mv_price_trends_as_required")
    return holds, refresh, newest


def mark(connection: Connection, hour: datetime) -> None:
    """Mark one hour of every event."""
    connection.execute(
        "insert into market.dirty_buckets (rollup, event_key, bucket) "
        "select 'event_hours', event_key, %s from market.events",
        [hour],
    )


def _build(connection: Connection, refresh: Refresh, first: int, last: int) -> None:
    """Bring every rollup up to date with ticks first … last, in claims as large as a bulk build's."""
    connection.execute("set tickettape.claim_limit = 100000")
    connection.execute(
        """insert into market.dirty_buckets (rollup, event_key, bucket)
           select distinct 'event_hours', event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z')
           from market.captures where tick >= %s and tick < %s""",
        [market.START + first * market.TICK, market.START + last * market.TICK],
    )
    refresh.run_until_clean(connection)
    connection.execute("reset tickettape.claim_limit")
    connection.execute("vacuum (analyze)")


def _buffers(connection: Connection, refresh: Refresh, hour: Any) -> int:
    """Shared buffers hit and read by every statement of a refresh of one tick."""
    touched = 0
    with connection.transaction(force_rollback=True):
        mark(connection, hour)
        for rollup in ROLLUPS:
            for statement in refresh.statements[rollup]:
                if statement.startswith(("set", "lock", "analyze")):
                    connection.execute(statement)
                    continue
                (plan,) = connection.execute(f"explain (analyze, buffers, format json) {statement}").fetchone() or ({},)
                touched += plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
    return touched
