{{ rollup(bucket='event', marks=['event_board']) }}

with claims as materialized (
    {{ claims() }}
),

newest as materialized (
    -- the event's newest ok capture; an event without one has no row
    select claims.event_key, claims.event_id, days.last_ok_at as tick
    from claims
    cross join lateral (
        select of_event.last_ok_at
        from {{ ref('event_days') }} as of_event
        where of_event.event_id = claims.event_id and of_event.last_ok_at is not null
        order by of_event.date desc
        limit 1
    ) as days
),

section_captures as materialized (
    {{ snapshots_at('newest') }}
),

sections as (
    -- the sections of each zone at that capture, the cheapest first; for equal prices the lowest section id first
    select
        snapshots.*,
        sections.zone_key,
        sections.name as section,
        row_number() over (
            partition by snapshots.event_key, sections.zone_key
            order by snapshots.lowest_price_cents, sections.external_id
        ) as cheapness
    from section_captures as snapshots
    inner join {{ ref('stg_market__sections') }} as sections
        on snapshots.event_key = sections.event_key and snapshots.section_key = sections.section_key
),

priced as (
    select
        zone_key,
        min(section) filter (where cheapness = 1) as section,
        min(lowest_price_cents) as lowest_price_cents,
        sum(price_sum_cents) / sum(total_listings) as average_price_cents,
        max(highest_price_cents) as highest_price_cents,
        min(lowest_price_1ticket_cents) as lowest_price_1ticket_cents,
        min(lowest_price_2tickets_cents) as lowest_price_2tickets_cents,
        min(lowest_price_4tickets_cents) as lowest_price_4tickets_cents,
        min(lowest_all_in_price_cents) as lowest_all_in_price_cents,
        sum(total_tickets) as total_tickets,
        sum(total_listings) as total_listings
    from sections
    group by zone_key
)

select
    newest.event_id,
    zones.name as zone,
    priced.zone_key is not null as available,
    priced.section,
    {{ money('priced.lowest_price_cents') }} as lowest_price,
    {{ money('priced.average_price_cents') }} as average_price,
    {{ money('priced.highest_price_cents') }} as highest_price,
    {{ money('priced.lowest_price_1ticket_cents') }} as lowest_price_1ticket,
    {{ money('priced.lowest_price_2tickets_cents') }} as lowest_price_2tickets,
    {{ money('priced.lowest_price_4tickets_cents') }} as lowest_price_4tickets,
    {{ money('priced.lowest_all_in_price_cents') }} as lowest_all_in_price,
    coalesce(priced.total_tickets, 0)::integer as total_tickets,
    coalesce(priced.total_listings, 0)::integer as total_listings,
    newest.tick as timestamp,
    coalesce({{ money('priced.lowest_price_cents') }}, gone.last_price) as last_price,
    coalesce(gone.last_priced_at, newest.tick) as last_priced_at,
    now() as created_at
from newest
inner join {{ ref('stg_market__zones') }} as zones on newest.event_key = zones.event_key
left join priced on zones.zone_key = priced.zone_key
-- a zone without tickets now: its newest day, by the primary key. Reading all days of an event took longer with every
-- day that it was watched, and looking up every zone, not only these, took three pages for each
left join lateral (
    select of_zone.last_price, of_zone.last_priced_at
    from {{ ref('daily_analytics') }} as of_zone
    where priced.zone_key is null and of_zone.event_id = newest.event_id and of_zone.zone = zones.name
    order by of_zone.date desc
    limit 1
) as gone on true
where priced.zone_key is not null or gone.last_priced_at is not null
