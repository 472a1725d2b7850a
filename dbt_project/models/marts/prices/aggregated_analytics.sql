{{ rollup(
    bucket='hour',
    marks=['daily_analytics'],
    indexes=[{'columns': ['hour'], 'type': 'brin'}],
    before=["set local enable_sort = off"]
) }}

-- enable_sort is off because the planner expects a hundredth of the rows that the join of facts and sections has. It
-- would sort 36,000 rows, which takes 11 of 56 ms, instead of hashing them.

-- event_hours marks this rollup's buckets. If both ran at the same time, the marks would wait for the next refresh.
-- depends_on: {{ ref('event_hours') }}

with claims as materialized (
    {{ claims() }}
),

-- `offset 0` and `materialized` make the planner read the facts by their primary key (event and tick), before any
-- dimension. Without them it read ten rows for each that it needed, and took 8 times as long as a plain aggregate.
ok_captures as materialized (
    select
        claims.event_key,
        claims.hour,
        captures.tick,
        count(*) over event_hour as capture_count,
        captures.tick = max(captures.tick) over event_hour as is_closing
    from claims
    cross join lateral (
        select ok.tick
        from {{ ref('int_ok_captures') }} as ok
        where ok.event_key = claims.event_key
            and ok.tick >= claims.hour
            and ok.tick < claims.hour + interval '1 hour'
        offset 0
    ) as captures
    window event_hour as (partition by claims.event_key, claims.hour)
),

section_captures as materialized (
    {{ snapshots_at('ok_captures') }}
),

zone_captures as (
    -- one zone at one capture: all its sections together
    select
        section_captures.event_key,
        sections.zone_key,
        section_captures.tick,
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
    inner join {{ ref('stg_market__sections') }} as sections
        on section_captures.event_key = sections.event_key and section_captures.section_key = sections.section_key
    group by section_captures.event_key, sections.zone_key, section_captures.tick
),

zone_hours as (
    select
        zone_captures.event_key,
        zone_captures.zone_key,
        ok_captures.hour,
        ok_captures.capture_count,
        min(zone_captures.lowest_price_cents) as min_price_cents,
        max(zone_captures.highest_price_cents) as max_price_cents,
        min(zone_captures.lowest_price_1ticket_cents) as min_price_1ticket_cents,
        min(zone_captures.lowest_price_2tickets_cents) as min_price_2tickets_cents,
        min(zone_captures.lowest_price_4tickets_cents) as min_price_4tickets_cents,
        min(zone_captures.lowest_all_in_price_cents) as min_all_in_price_cents,
        sum(zone_captures.price_sum_cents)::bigint as price_sum_cents,
        sum(zone_captures.total_listings)::bigint as listings_seen,
        sum(zone_captures.total_tickets)::bigint as tickets_seen,
        sum(zone_captures.snapshot_count) as snapshot_count,
        -- if a capture does not have the zone, the zone had no tickets then
        coalesce(sum(zone_captures.total_tickets) filter (where is_closing), 0) as total_tickets,
        coalesce(sum(zone_captures.total_listings) filter (where is_closing), 0) as total_listings,
        max(zone_captures.total_tickets) as peak_tickets,
        case when count(*) < ok_captures.capture_count then 0 else min(zone_captures.total_tickets) end as min_tickets,
        -- the price at the newest tick: the maximum of (tick, price), which needs no sorting
        (max(array[(extract(epoch from zone_captures.tick) * 1000000)::bigint, zone_captures.lowest_price_cents]))[2]
            as last_price_cents,
        max(zone_captures.tick) as last_priced_at
    from zone_captures
    inner join ok_captures on zone_captures.event_key = ok_captures.event_key and zone_captures.tick = ok_captures.tick
    group by zone_captures.event_key, zone_captures.zone_key, ok_captures.hour, ok_captures.capture_count
),

hours as materialized (
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
    inner join {{ ref('stg_market__zones') }} as zones
        on zone_hours.event_key = zones.event_key and zone_hours.zone_key = zones.zone_key
)

-- ordered, so that an event's hours are together on the table's pages: otherwise a day took five times as many pages
select * from hours
order by event_id, hour
