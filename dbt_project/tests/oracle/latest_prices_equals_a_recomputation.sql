with ok_captures as (
    select event_key, tick
    from {{ source('market', 'captures') }}
    where status in ('ok', 'empty') and market.month_is_writable(tick)
),

newest as (
    select ok_captures.event_key, events.id as event_id, max(ok_captures.tick) as tick
    from ok_captures
    inner join {{ source('market', 'events') }} as events on ok_captures.event_key = events.event_key
    group by ok_captures.event_key, events.id
),

offers as (
    -- every section ever seen at an ok capture, by the names that people read
    select
        snapshots.*,
        zones.name as zone,
        sections.name as section,
        sections.external_id as section_id
    from ok_captures
    inner join {{ source('market', 'all_snapshots') }} as snapshots
        on ok_captures.event_key = snapshots.event_key and ok_captures.tick = snapshots.tick
    inner join {{ source('market', 'sections') }} as sections
        on snapshots.event_key = sections.event_key and snapshots.section_key = sections.section_key
    inner join {{ source('market', 'zones') }} as zones
        on sections.event_key = zones.event_key and sections.zone_key = zones.zone_key
),

zones as (
    select
        event_key,
        zone,
        tick,
        (array_agg(section order by lowest_price_cents, section_id))[1] as section,
        min(lowest_price_cents) as lowest,
        sum(price_sum_cents) / sum(total_listings) as average,
        max(highest_price_cents) as highest,
        min(lowest_price_1ticket_cents) as lowest_1ticket,
        min(lowest_price_2tickets_cents) as lowest_2tickets,
        min(lowest_price_4tickets_cents) as lowest_4tickets,
        min(lowest_all_in_price_cents) as lowest_all_in,
        sum(total_tickets) as tickets,
        sum(total_listings) as listings
    from offers
    group by event_key, zone, tick
),

last_priced as (
    select distinct on (event_key, zone) event_key, zone, tick, lowest
    from zones
    order by event_key, zone, tick desc
),

direct as (
    select
        newest.event_id,
        last_priced.zone,
        zones.zone is not null as available,
        zones.section,
        zones.lowest / 100.0 as lowest_price,
        round(zones.average / 100, 2) as average_price,
        zones.highest / 100.0 as highest_price,
        zones.lowest_1ticket / 100.0 as lowest_price_1ticket,
        zones.lowest_2tickets / 100.0 as lowest_price_2tickets,
        zones.lowest_4tickets / 100.0 as lowest_price_4tickets,
        zones.lowest_all_in / 100.0 as lowest_all_in_price,
        coalesce(zones.tickets, 0) as total_tickets,
        coalesce(zones.listings, 0) as total_listings,
        newest.tick as timestamp,
        last_priced.lowest / 100.0 as last_price,
        last_priced.tick as last_priced_at
    from newest
    inner join last_priced on newest.event_key = last_priced.event_key
    left join zones
        on last_priced.event_key = zones.event_key
        and last_priced.zone = zones.zone
        and newest.tick = zones.tick
    -- an event whose newest capture is in the archive: what is here is not the newest
    where not exists (
        select from {{ ref('event_days') }} as days
        where days.event_id = newest.event_id
            and days.last_ok_at > newest.tick
            and not market.month_is_writable(days.last_ok_at)
    )
),

rollup as (
    select
        event_id,
        zone,
        available,
        section,
        lowest_price,
        average_price,
        highest_price,
        lowest_price_1ticket,
        lowest_price_2tickets,
        lowest_price_4tickets,
        lowest_all_in_price,
        total_tickets,
        total_listings,
        timestamp,
        last_price,
        last_priced_at
    from {{ ref('latest_prices') }}
    where market.month_is_writable(timestamp) and market.month_is_writable(last_priced_at)
),

{{ differences('event') }}
