with unmarked_events as (
    select events.event_key, events.id as event_id
    from {{ source('market', 'events') }} as events
    where events.event_key not in (select marks.event_key from {{ source('market', 'dirty_buckets') }} as marks)
),

newest as (
    select unmarked_events.event_key, unmarked_events.event_id, max(captures.tick) as tick
    from unmarked_events
    inner join {{ ref('int_ok_captures') }} as captures on unmarked_events.event_key = captures.event_key
    where captures.tick >= market.tests_since()
    group by unmarked_events.event_key, unmarked_events.event_id
),

for_sale as (
    select
        newest.event_id,
        zones.name as zone,
        newest.tick as timestamp,
        {{ money('min(snapshots.lowest_price_cents)') }} as lowest_price,
        sum(snapshots.total_tickets) as total_tickets,
        sum(snapshots.total_listings) as total_listings
    from newest
    cross join lateral (
        select *
        from {{ source('market', 'all_snapshots') }} as facts
        where facts.event_key = newest.event_key
            and facts.tick = newest.tick
            and facts.date = (newest.tick at time zone 'UTC')::date
        offset 0
    ) as snapshots
    inner join {{ source('market', 'sections') }} as sections
        on snapshots.event_key = sections.event_key and snapshots.section_key = sections.section_key
    inner join {{ source('market', 'zones') }} as zones
        on sections.event_key = zones.event_key and sections.zone_key = zones.zone_key
    group by newest.event_id, zones.name, newest.tick
),

shown as (
    select
        latest.event_id,
        latest.zone,
        latest.timestamp,
        latest.lowest_price,
        latest.total_tickets,
        latest.total_listings,
        latest.available,
        newest.tick as newest_tick
    from newest
    inner join {{ ref('latest_prices') }} as latest on newest.event_id = latest.event_id
    -- a newer month that is in the archive: what is here is not the newest
    where market.month_is_writable(latest.timestamp)
),

should_be as (
    select
        for_sale.event_id,
        for_sale.zone,
        for_sale.timestamp,
        for_sale.lowest_price,
        for_sale.total_tickets,
        for_sale.total_listings
    from for_sale
    where for_sale.event_id in (select shown.event_id from shown)
),

available as (
    select event_id, zone, timestamp, lowest_price, total_tickets, total_listings
    from shown
    where available
),

missing as (
    select * from should_be
    except
    select * from available
),

invented as (
    select * from available
    except
    select * from should_be
)

select 'the newest capture has' as which, missing.* from missing
union all
select 'latest_prices has' as which, invented.* from invented
union all
select
    'latest_prices is sold out at an older tick' as which,
    shown.event_id,
    shown.zone,
    shown.timestamp,
    shown.lowest_price,
    shown.total_tickets,
    shown.total_listings
from shown
where shown.timestamp is distinct from shown.newest_tick
