{{ rollup(bucket='day', marks=['daily_analytics']) }}

with claims as materialized (
    {{ claims() }}
),

days as (
    select
        claims.event_id,
        claims.date,
        count(*) filter (where hours.ok_captures > 0) as observed_hours,
        sum(hours.ok_captures) as ok_captures,
        sum(hours.partial_captures) as partial_captures,
        sum(hours.missed_captures) as missed_captures,
        sum(hours.failed_captures) as failed_captures,
        sum(hours.voided_captures) as voided_captures,
        max(hours.last_ok_at) as last_ok_at
    from claims
    cross join lateral (
        select *
        from {{ ref('event_hours') }} as of_event
        where of_event.event_id = claims.event_id
            and of_event.hour >= claims.day_start
            and of_event.hour < claims.day_start + interval '24 hours'
        offset 0
    ) as hours
    group by claims.event_id, claims.date
)

select
    event_id,
    date,
    observed_hours::integer as observed_hours,
    ok_captures::integer as ok_captures,
    partial_captures::integer as partial_captures,
    missed_captures::integer as missed_captures,
    failed_captures::integer as failed_captures,
    voided_captures::integer as voided_captures,
    last_ok_at,
    now() as created_at
from days
