{{ rollup(
    bucket='day',
    marks=['latest_prices'],
    indexes=[{'columns': ['event_id', 'date']}, {'columns': ['date'], 'type': 'brin'}]
) }}

-- must run after every model that marks its days: otherwise such a day would wait for the next refresh
-- depends_on: {{ ref('event_days') }}

with claims as materialized (
    {{ claims() }}
),

observed as materialized (
    -- from the event's hours, because a zone that is absent for a whole hour has no row of its own
    select claims.event_id, claims.date, claims.day_start, count(*) as observed_hours
    from claims
    cross join lateral (
        select of_event.hour
        from {{ ref('event_hours') }} as of_event
        where of_event.event_id = claims.event_id
            and of_event.hour >= claims.day_start
            and of_event.hour < claims.day_start + interval '24 hours'
            and of_event.ok_captures > 0
        offset 0
    ) as hours
    group by claims.event_id, claims.date, claims.day_start
),

zone_days as (
    select
        observed.event_id,
        hours.zone,
        observed.date,
        observed.observed_hours,
        min(hours.min_price) as daily_min_price,
        -- every observed hour has the same weight, however many captures it has
        {{ exact_mean('hours.price_sum_cents', 'hours.listings_seen', 'count(*)') }} as daily_avg_price_cents,
        max(hours.max_price) as daily_max_price,
        min(hours.min_price_1ticket) as daily_min_1ticket,
        min(hours.min_price_2tickets) as daily_min_2tickets,
        min(hours.min_price_4tickets) as daily_min_4tickets,
        min(hours.min_all_in_price) as daily_min_all_in_price,
        max(hours.peak_tickets) as peak_tickets,
        {{ exact_mean('hours.tickets_seen', 'hours.capture_count', 'observed.observed_hours') }} as avg_tickets,
        case when count(*) < observed.observed_hours then 0 else min(hours.min_tickets) end as min_tickets,
        (max(array[extract(epoch from hours.last_priced_at), hours.last_price]))[2] as last_price,
        max(hours.last_priced_at) as last_priced_at
    from observed
    cross join lateral (
        select *
        from {{ ref('aggregated_analytics') }} as of_event
        where of_event.event_id = observed.event_id
            and of_event.hour >= observed.day_start
            and of_event.hour < observed.day_start + interval '24 hours'
        offset 0
    ) as hours
    group by observed.event_id, hours.zone, observed.date, observed.observed_hours
)

select
    event_id,
    zone,
    date,
    daily_min_price::numeric(10, 2) as daily_min_price,
    {{ money('daily_avg_price_cents') }} as daily_avg_price,
    daily_max_price::numeric(10, 2) as daily_max_price,
    daily_min_1ticket::numeric(10, 2) as daily_min_1ticket,
    daily_min_2tickets::numeric(10, 2) as daily_min_2tickets,
    daily_min_4tickets::numeric(10, 2) as daily_min_4tickets,
    daily_min_all_in_price::numeric(10, 2) as daily_min_all_in_price,
    peak_tickets,
    round(avg_tickets, 2)::numeric(12, 2) as avg_tickets,
    min_tickets,
    last_price::numeric(10, 2) as last_price,
    last_priced_at,
    now() as created_at
from zone_days
