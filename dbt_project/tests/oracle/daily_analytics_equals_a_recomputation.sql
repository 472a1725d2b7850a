with ok_captures as (
    select
        event_key,
        tick,
        date_trunc('hour', tick, 'UTC') as hour,
        (tick at time zone 'UTC')::date as date
    from {{ source('market', 'captures') }}
    where status in ('ok', 'empty') and market.month_is_writable(tick)
),

zone_captures as (
    select
        snapshots.event_key,
        snapshots.tick,
        sections.zone_key,
        min(snapshots.lowest_price_cents) as lowest,
        max(snapshots.highest_price_cents) as highest,
        min(snapshots.lowest_price_1ticket_cents) as lowest_1ticket,
        min(snapshots.lowest_price_2tickets_cents) as lowest_2tickets,
        min(snapshots.lowest_price_4tickets_cents) as lowest_4tickets,
        min(snapshots.lowest_all_in_price_cents) as lowest_all_in,
        sum(snapshots.price_sum_cents) as price_sum,
        sum(snapshots.total_tickets) as tickets,
        sum(snapshots.total_listings) as listings
    from {{ source('market', 'all_snapshots') }} as snapshots
    inner join {{ source('market', 'sections') }} as sections
        on snapshots.event_key = sections.event_key and snapshots.section_key = sections.section_key
    group by snapshots.event_key, snapshots.tick, sections.zone_key
),

seen_zones as (
    select distinct ok_captures.event_key, ok_captures.date, zone_captures.zone_key
    from ok_captures
    inner join zone_captures
        on ok_captures.event_key = zone_captures.event_key and ok_captures.tick = zone_captures.tick
),

observations as (
    -- every zone that the day saw at every ok capture of the day: with no tickets where it has no row
    select
        seen_zones.event_key,
        seen_zones.zone_key,
        seen_zones.date,
        ok_captures.hour,
        ok_captures.tick,
        zone_captures.lowest,
        zone_captures.highest,
        zone_captures.lowest_1ticket,
        zone_captures.lowest_2tickets,
        zone_captures.lowest_4tickets,
        zone_captures.lowest_all_in,
        zone_captures.price_sum,
        zone_captures.listings,
        coalesce(zone_captures.tickets, 0) as tickets
    from seen_zones
    inner join ok_captures
        on seen_zones.event_key = ok_captures.event_key and seen_zones.date = ok_captures.date
    left join zone_captures
        on seen_zones.event_key = zone_captures.event_key
        and seen_zones.zone_key = zone_captures.zone_key
        and ok_captures.tick = zone_captures.tick
),

hours as (
    -- each observed hour weighs the same in the day's means; thirty digits, for a mean that ends on half a cent
    select
        event_key,
        zone_key,
        date,
        hour,
        sum(price_sum)::numeric(60, 30) / sum(listings) as price_cents,
        sum(tickets)::numeric(60, 30) / count(*) as tickets
    from observations
    group by event_key, zone_key, date, hour
),

means as (
    select
        event_key,
        zone_key,
        date,
        round(avg(price_cents), 20) as price_cents,
        round(avg(tickets), 20) as tickets
    from hours
    group by event_key, zone_key, date
),

direct as (
    select
        events.id as event_id,
        zones.name as zone,
        observations.date,
        min(observations.lowest) / 100.0 as daily_min_price,
        round(means.price_cents / 100, 2) as daily_avg_price,
        max(observations.highest) / 100.0 as daily_max_price,
        min(observations.lowest_1ticket) / 100.0 as daily_min_1ticket,
        min(observations.lowest_2tickets) / 100.0 as daily_min_2tickets,
        min(observations.lowest_4tickets) / 100.0 as daily_min_4tickets,
        min(observations.lowest_all_in) / 100.0 as daily_min_all_in_price,
        max(observations.tickets) as peak_tickets,
        round(means.tickets, 2) as avg_tickets,
        min(observations.tickets) as min_tickets,
        (
            array_agg(observations.lowest order by observations.tick desc)
            filter (where observations.lowest is not null)
        )[1]
        / 100.0 as last_price,
        max(observations.tick) filter (where observations.lowest is not null) as last_priced_at
    from observations
    inner join means
        on observations.event_key = means.event_key and observations.zone_key = means.zone_key
            and observations.date = means.date
    inner join {{ source('market', 'events') }} as events on observations.event_key = events.event_key
    inner join {{ source('market', 'zones') }} as zones
        on observations.event_key = zones.event_key and observations.zone_key = zones.zone_key
    group by events.id, zones.name, observations.date, means.price_cents, means.tickets
),

rollup as (
    select
        event_id,
        zone,
        date,
        daily_min_price,
        daily_avg_price,
        daily_max_price,
        daily_min_1ticket,
        daily_min_2tickets,
        daily_min_4tickets,
        daily_min_all_in_price,
        peak_tickets,
        avg_tickets,
        min_tickets,
        last_price,
        last_priced_at
    from {{ ref('daily_analytics') }}
    where market.month_is_writable(date::timestamp at time zone 'UTC')
),

{{ differences('day') }}
