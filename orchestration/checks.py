"""What must be true after a tick, asked in SQL: a check looks at the tables, never at what a step says of itself."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.assets.captures import captures
from orchestration.assets.section_snapshots import section_snapshots
from orchestration.marketplaces import Marketplace
from orchestration.resources import Warehouse
from orchestration.settings import Settings


@dg.asset_check(asset=captures)
def captured_share(
    warehouse: dg.ResourceParam[Warehouse],
    marketplace: dg.ResourceParam[Marketplace],
    settings: dg.ResourceParam[Settings],
) -> dg.AssetCheckResult:
    """Enough of the newest tick's due events were captured. Warns: what was captured is right all the same."""
    with warehouse.connection() as connection:
        row = connection.execute(
            """select captures.tick, count(*),
                   count(*) filter (where captures.status in ('received', 'ok', 'empty', 'partial'))
               from market.captures inner join market.events on events.event_key = captures.event_key
               where events.source = %s
               group by captures.tick order by captures.tick desc limit 1""",
            [marketplace.source],
        ).fetchone()
    tick, due, answered = row or (None, 0, 0)
    share = answered / due if due else 0.0
    return dg.AssetCheckResult(
        passed=share >= settings.captured_share,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"tick": str(tick), "events due": due, "events answered": answered, "share": share},
        description=None if due else "No event was due: track some with `tickettape track`.",
    )


@dg.asset_check(asset=section_snapshots)
def reconciliation(
    warehouse: dg.ResourceParam[Warehouse], marketplace: dg.ResourceParam[Marketplace]
) -> dg.AssetCheckResult:
    """What the newest tick's answers hold equals what they say of themselves, and the rows stored equal both.

    Listings may differ from the marketplace's totals (a partial answer says so by its status): that warns.
    """
    with warehouse.connection() as connection:
        row = connection.execute(
            """with newest as (
                   select captures.* from market.captures
                   inner join market.events on events.event_key = captures.event_key
                   where events.source = %(source)s and captures.tick = (
                       select max(c.tick) from market.captures c
                       inner join market.events e on e.event_key = c.event_key
                       where e.source = %(source)s and c.status in ('ok', 'empty', 'partial'))
                       and captures.status in ('ok', 'empty', 'partial')
               ),
               stored as (
                   select newest.event_key, sum(s.total_listings) as listings
                   from newest inner join market.section_snapshots s
                       on s.event_key = newest.event_key and s.tick = newest.tick
                   group by newest.event_key
               )
               select min(newest.tick), count(*), count(*) filter (where newest.status = 'partial'),
                   sum(newest.stated_listings)::bigint, sum(newest.counted_listings)::bigint,
                   sum(stored.listings)::bigint,
                   sum(newest.stated_tickets)::bigint, sum(newest.counted_tickets)::bigint,
                   count(*) filter (where newest.status = 'ok'
                                    and coalesce(stored.listings, 0) > newest.counted_listings)
               from newest left join stored on stored.event_key = newest.event_key""",
            {"source": marketplace.source},
        ).fetchone()
    tick, events, partial, *sums, wrong = row or (None,) + (0,) * 8
    stated, counted, stored, stated_tickets, counted_tickets = sums
    return dg.AssetCheckResult(
        passed=not partial and not wrong,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "tick": str(tick),
            "events": events or 0,
            "partial answers": partial or 0,
            "listings stated": stated or 0,
            "listings counted": counted or 0,
            "listings stored": stored or 0,
            "tickets stated": stated_tickets or 0,
            "tickets counted": counted_tickets or 0,
            "events with more stored than counted": wrong or 0,
        },
    )


@dg.asset_check(asset=captures)
def freshness(
    warehouse: dg.ResourceParam[Warehouse],
    marketplace: dg.ResourceParam[Marketplace],
    settings: dg.ResourceParam[Settings],
) -> dg.AssetCheckResult:
    """Every watched event has an ok capture of the last two intervals. Asked in SQL: a backfill of an old hour
    must not make this green."""
    oldest_allowed = datetime.now(UTC) - 2 * timedelta(minutes=settings.scraper_interval_minutes)
    with warehouse.connection() as connection:
        rows = connection.execute(
            """select events.name, newest.tick
               from market.events
               left join lateral (
                   select captures.tick from market.captures
                   where captures.event_key = events.event_key and captures.status in ('received', 'ok', 'empty')
                   order by captures.tick desc limit 1
               ) as newest on true
               where events.source = %s and events.active and events.date > now()
                   and coalesce(newest.tick, '-infinity') < %s
               order by newest.tick nulls first limit 20""",
            [marketplace.source, oldest_allowed],
        ).fetchall()
    return dg.AssetCheckResult(
        passed=not rows,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "events stale": len(rows),
            "stale (up to 20)": {str(name): str(tick or "never") for name, tick in rows},
        },
    )
