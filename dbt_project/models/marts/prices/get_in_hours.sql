{{ rollup(bucket='hour', marks=['event_board'], indexes=[{'columns': ['hour']}]) }}

with claims as materialized (
    {{ claims() }}
),

hours as (
    select claims.event_id, claims.hour, lowest.*
    from claims
    -- `offset 0` makes the planner look up each hour by (event_id, hour)
    cross join lateral (
        select of_event.hour
        from {{ ref('event_hours') }} as of_event
        where of_event.event_id = claims.event_id and of_event.hour = claims.hour and of_event.ok_captures > 0
        offset 0
    ) as observed
    cross join lateral (
        select
            max(zones.timestamp) as timestamp,
            coalesce(sum(zones.total_listings), 0)::integer as total_listings,
            min(zones.min_price_1ticket) as min_price_1ticket,
            min(zones.min_price_2tickets) as min_price_2tickets,
            min(zones.min_price_4tickets) as min_price_4tickets,
            min(zones.min_all_in_price_1ticket) as min_all_in_price_1ticket,
            min(zones.min_all_in_price_2tickets) as min_all_in_price_2tickets,
            min(zones.min_all_in_price_4tickets) as min_all_in_price_4tickets
        from {{ ref('price_distribution') }} as zones
        where zones.event_id = claims.event_id and zones.hour = claims.hour
        offset 0
    ) as lowest
)

select
    event_id,
    hour,
    timestamp,
    total_listings,
    min_price_1ticket::numeric(10, 2) as min_price_1ticket,
    min_price_2tickets::numeric(10, 2) as min_price_2tickets,
    min_price_4tickets::numeric(10, 2) as min_price_4tickets,
    min_all_in_price_1ticket::numeric(10, 2) as min_all_in_price_1ticket,
    min_all_in_price_2tickets::numeric(10, 2) as min_all_in_price_2tickets,
    min_all_in_price_4tickets::numeric(10, 2) as min_all_in_price_4tickets,
    now() as created_at
from hours
