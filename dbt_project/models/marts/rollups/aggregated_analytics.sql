{{ config(
    unique_key=['event_id', 'hour'],
    meta={'bucket': 'hour'},
    indexes=[{'columns': ['event_id', 'hour']}, {'columns': ['hour']}],
    post_hook="{{ pass_on({'daily_analytics': 'day'}) }}"
) }}

-- event_hours marks this rollup's buckets: run beside it instead of after it, they would wait for the next refresh
-- depends_on: {{ ref('event_hours') }}

with claims as (
    select event_key, event_id, bucket as hour
    from {{ source('market', 'claims') }}
    where rollup = 'aggregated_analytics'
),

zones as (
    select sections.event_key, sections.section_key, sections.zone_key, zones.name as zone
    from {{ source('market', 'sections') }} as sections
    inner join {{ source('market', 'zones') }} as zones
        on sections.event_key = zones.event_key and sections.zone_key = zones.zone_key
),

ok_captures as (
    select
        claims.event_key,
        claims.event_id,
        claims.hour,
        captures.tick,
        count(*) over event_hour as capture_count,
        max(captures.tick) over event_hour as closing_tick
    from claims
    inner join {{ ref('stg_ok_captures') }} as captures
        on claims.event_key = captures.event_key
        and captures.tick >= claims.hour
        and captures.tick < claims.hour + interval '1 hour'
    window event_hour as (partition by claims.event_key, claims.hour)
),

zone_captures as (
    -- one zone at one capture: its sections together
    select
        ok_captures.event_id,
        ok_captures.hour,
        ok_captures.tick,
        ok_captures.capture_count,
        ok_captures.closing_tick,
        zones.zone,
        min(snapshots.lowest_price_cents) as lowest_price_cents,
        max(snapshots.highest_price_cents) as highest_price_cents,
        sum(snapshots.price_sum_cents)::bigint as price_sum_cents,
        min(snapshots.lowest_price_1ticket_cents) as lowest_price_1ticket_cents,
        min(snapshots.lowest_price_2tickets_cents) as lowest_price_2tickets_cents,
        min(snapshots.lowest_price_4tickets_cents) as lowest_price_4tickets_cents,
        min(snapshots.lowest_all_in_price_cents) as lowest_all_in_price_cents,
        sum(snapshots.total_tickets) as total_tickets,
        sum(snapshots.total_listings) as total_listings,
        count(*) as snapshot_count
    from ok_captures
    inner join {{ source('market', 'section_snapshots') }} as snapshots
        on ok_captures.event_key = snapshots.event_key and ok_captures.tick = snapshots.tick
    inner join zones
        on snapshots.event_key = zones.event_key and snapshots.section_key = zones.section_key
    group by
        ok_captures.event_id,
        ok_captures.hour,
        ok_captures.tick,
        ok_captures.capture_count,
        ok_captures.closing_tick,
        zones.zone
),

zone_hours as (
    select
        event_id,
        zone,
        hour,
        capture_count,
        min(lowest_price_cents) as min_price_cents,
        max(highest_price_cents) as max_price_cents,
        min(lowest_price_1ticket_cents) as min_price_1ticket_cents,
        min(lowest_price_2tickets_cents) as min_price_2tickets_cents,
        min(lowest_price_4tickets_cents) as min_price_4tickets_cents,
        min(lowest_all_in_price_cents) as min_all_in_price_cents,
        sum(price_sum_cents)::bigint as price_sum_cents,
        sum(total_listings)::bigint as listings_seen,
        sum(total_tickets)::bigint as tickets_seen,
        sum(snapshot_count) as snapshot_count,
        -- a capture without the zone is one at which it had no tickets
        coalesce(sum(total_tickets) filter (where tick = closing_tick), 0) as total_tickets,
        coalesce(sum(total_listings) filter (where tick = closing_tick), 0) as total_listings,
        max(total_tickets) as peak_tickets,
        case when count(*) < capture_count then 0 else min(total_tickets) end as min_tickets,
        (array_agg(lowest_price_cents order by tick desc))[1] as last_price_cents,
        max(tick) as last_priced_at
    from zone_captures
    group by event_id, zone, hour, capture_count
)

select
    event_id,
    zone,
    hour,
    {{ money('min_price_cents') }} as min_price,
    {{ money('price_sum_cents / listings_seen::numeric') }} as avg_price,
    {{ money('max_price_cents') }} as max_price,
    {{ money('min_price_1ticket_cents') }} as min_price_1ticket,
    {{ money('min_price_2tickets_cents') }} as min_price_2tickets,
    {{ money('min_price_4tickets_cents') }} as min_price_4tickets,
    {{ money('min_all_in_price_cents') }} as min_all_in_price,
    total_tickets::integer as total_tickets,
    total_listings::integer as total_listings,
    peak_tickets::integer as peak_tickets,
    min_tickets::integer as min_tickets,
    round(tickets_seen / capture_count::numeric, 2)::numeric(12, 2) as avg_tickets,
    capture_count::integer as capture_count,
    snapshot_count::integer as snapshot_count,
    {{ money('last_price_cents') }} as last_price,
    last_priced_at,
    price_sum_cents,
    listings_seen,
    tickets_seen,
    now() as created_at
from zone_hours
