{{ rollup(bucket='hour', marks=['event_board'], indexes=[{'columns': ['hour']}]) }}
{%- set prices = get_in_columns() %}

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
            {% for price in prices %}
            min(zones.{{ price }}) as {{ price }}{{ ',' if not loop.last }}
            {% endfor %}
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
    {% for price in prices %}
    {{ price }}::numeric(10, 2) as {{ price }},
    {% endfor %}
    now() as created_at
from hours
