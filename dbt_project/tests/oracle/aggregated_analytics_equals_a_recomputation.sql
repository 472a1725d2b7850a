with ok_captures as (
    select event_key, tick, date_trunc('hour', tick, 'UTC') as hour
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
        sum(snapshots.total_listings) as listings,
        count(*) as snapshots
    from {{ source('market', 'all_snapshots') }} as snapshots
    inner join {{ source('market', 'sections') }} as sections
        on snapshots.event_key = sections.event_key and snapshots.section_key = sections.section_key
    group by snapshots.event_key, snapshots.tick, sections.zone_key
),

seen_zones as (
    select distinct ok_captures.event_key, ok_captures.hour, zone_captures.zone_key
    from ok_captures
    inner join zone_captures
        on ok_captures.event_key = zone_captures.event_key and ok_captures.tick = zone_captures.tick
),

observations as (
    -- every zone that the hour saw at every ok capture of the hour: with no tickets where it has no row
    select
        seen_zones.event_key,
        seen_zones.zone_key,
        seen_zones.hour,
        ok_captures.tick,
        zone_captures.lowest,
        zone_captures.highest,
        zone_captures.lowest_1ticket,
        zone_captures.lowest_2tickets,
        zone_captures.lowest_4tickets,
        zone_captures.lowest_all_in,
        zone_captures.price_sum,
        zone_captures.snapshots,
        coalesce(zone_captures.tickets, 0) as tickets,
        coalesce(zone_captures.listings, 0) as listings
    from seen_zones
    inner join ok_captures
        on seen_zones.event_key = ok_captures.event_key and seen_zones.hour = ok_captures.hour
    left join zone_captures
        on seen_zones.event_key = zone_captures.event_key
        and seen_zones.zone_key = zone_captures.zone_key
        and ok_captures.tick = zone_captures.tick
),

direct as (
    select
        events.id as event_id,
        zones.name as zone,
        observations.hour,
        min(observations.lowest) / 100.0 as min_price,
        round(sum(observations.price_sum) / sum(observations.listings) / 100, 2) as avg_price,
        max(observations.highest) / 100.0 as max_price,
        min(observations.lowest_1ticket) / 100.0 as min_price_1ticket,
        min(observations.lowest_2tickets) / 100.0 as min_price_2tickets,
        min(observations.lowest_4tickets) / 100.0 as min_price_4tickets,
        min(observations.lowest_all_in) / 100.0 as min_all_in_price,
        (array_agg(observations.tickets order by observations.tick desc))[1] as total_tickets,
        (array_agg(observations.listings order by observations.tick desc))[1] as total_listings,
        max(observations.tickets) as peak_tickets,
        min(observations.tickets) as min_tickets,
        round(avg(observations.tickets), 2) as avg_tickets,
        count(*) as capture_count,
        sum(observations.snapshots) as snapshot_count,
        (
            array_agg(observations.lowest order by observations.tick desc)
            filter (where observations.lowest is not null)
        )[1]
        / 100.0 as last_price,
        max(observations.tick) filter (where observations.lowest is not null) as last_priced_at,
        sum(observations.price_sum) as price_sum_cents,
        sum(observations.listings) as listings_seen,
        sum(observations.tickets) as tickets_seen
    from observations
    inner join {{ source('market', 'events') }} as events on observations.event_key = events.event_key
    inner join {{ source('market', 'zones') }} as zones
        on observations.event_key = zones.event_key and observations.zone_key = zones.zone_key
    group by events.id, zones.name, observations.hour
),

rollup as (
    select
        event_id,
        zone,
        hour,
        min_price,
        avg_price,
        max_price,
        min_price_1ticket,
        min_price_2tickets,
        min_price_4tickets,
        min_all_in_price,
        total_tickets,
        total_listings,
        peak_tickets,
        min_tickets,
        avg_tickets,
        capture_count,
        snapshot_count,
        last_price,
        last_priced_at,
        price_sum_cents,
        listings_seen,
        tickets_seen
    from {{ ref('aggregated_analytics') }}
    where market.month_is_writable(hour)
),

{{ differences('hour') }}
