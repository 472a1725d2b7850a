{{ config(
    unique_key=['event_id', 'hour'],
    meta={'bucket': 'hour'},
    indexes=[{'columns': ['event_id', 'hour']}, {'columns': ['hour']}],
    post_hook="{{ pass_on({'daily_analytics': 'day'}) }}"
) }}

-- event_hours marks this rollup's buckets: run beside it instead of after it, they would wait for the next refresh
-- depends_on: {{ ref('event_hours') }}

with claims as materialized (
    select event_key, event_id, bucket as hour
    from {{ source('market', 'claims') }}
    where rollup = 'aggregated_analytics'
),

-- The facts come by their primary key (event_key, tick) and before any dimension: hence `offset 0` and
-- `materialized`. Free to choose, the planner read ten rows for each it needed (8 times a plain aggregate).
ok_captures as materialized (
    select
        claims.event_key,
        claims.hour,
        captures.tick,
        count(*) over event_hour as capture_count,
        max(captures.tick) over event_hour as closing_tick
    from claims
    cross join lateral (
        select ok.tick
        from {{ ref('stg_ok_captures') }} as ok
        where ok.event_key = claims.event_key
            and ok.tick >= claims.hour
            and ok.tick < claims.hour + interval '1 hour'
        offset 0
    ) as captures
    window event_hour as (partition by claims.event_key, claims.hour)
),

section_captures as materialized (
    select ok_captures.hour, ok_captures.capture_count, ok_captures.closing_tick, snapshots.*
    from ok_captures
    cross join lateral (
        select *
        from {{ source('market', 'section_snapshots') }} as facts
        where facts.event_key = ok_captures.event_key and facts.tick = ok_captures.tick
        offset 0
    ) as snapshots
),

zone_captures as (
    -- one zone at one capture: its sections together
    select
        section_captures.event_key,
        sections.zone_key,
        section_captures.hour,
        section_captures.tick,
        section_captures.capture_count,
        section_captures.closing_tick,
        min(section_captures.lowest_price_cents) as lowest_price_cents,
        max(section_captures.highest_price_cents) as highest_price_cents,
        sum(section_captures.price_sum_cents)::bigint as price_sum_cents,
        min(section_captures.lowest_price_1ticket_cents) as lowest_price_1ticket_cents,
        min(section_captures.lowest_price_2tickets_cents) as lowest_price_2tickets_cents,
        min(section_captures.lowest_price_4tickets_cents) as lowest_price_4tickets_cents,
        min(section_captures.lowest_all_in_price_cents) as lowest_all_in_price_cents,
        sum(section_captures.total_tickets) as total_tickets,
        sum(section_captures.total_listings) as total_listings,
        count(*) as snapshot_count
    from section_captures
    inner join {{ source('market', 'sections') }} as sections
        on section_captures.event_key = sections.event_key and section_captures.section_key = sections.section_key
    group by
        section_captures.event_key,
        sections.zone_key,
        section_captures.hour,
        section_captures.tick,
        section_captures.capture_count,
        section_captures.closing_tick
),

zone_hours as (
    select
        event_key,
        zone_key,
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
        -- the price at the newest tick: the greatest pair, without sorting
        (max(array[extract(epoch from tick)::bigint, lowest_price_cents]))[2] as last_price_cents,
        max(tick) as last_priced_at
    from zone_captures
    group by event_key, zone_key, hour, capture_count
)

select
    claims.event_id,
    zones.name as zone,
    zone_hours.hour,
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
inner join claims on zone_hours.event_key = claims.event_key and zone_hours.hour = claims.hour
inner join {{ source('market', 'zones') }} as zones
    on zone_hours.event_key = zones.event_key and zone_hours.zone_key = zones.zone_key
