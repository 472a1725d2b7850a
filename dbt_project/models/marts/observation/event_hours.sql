{{ rollup(bucket='hour', marks=['aggregated_analytics', 'event_days', 'get_in_hours']) }}

with claims as materialized (
    {{ claims() }}
),

hours as (
    select
        claims.event_id,
        claims.hour,
        count(*) filter (where captures.status in ('ok', 'empty')) as ok_captures,
        count(*) filter (where captures.status = 'partial') as partial_captures,
        count(*) filter (where captures.status = 'missed') as missed_captures,
        count(*) filter (
            where captures.status in ('missing', 'blocked', 'failed', 'rejected')
        ) as failed_captures,
        count(*) filter (where captures.status = 'void') as voided_captures,
        max(captures.tick) filter (where captures.status in ('ok', 'empty')) as last_ok_at
    from claims
    -- `offset 0` makes the planner use the primary key (event_key, tick)
    cross join lateral (
        select facts.tick, facts.status
        from {{ ref('stg_market__captures') }} as facts
        where facts.event_key = claims.event_key
            and facts.tick >= claims.hour
            and facts.tick < claims.hour + interval '1 hour'
            and facts.status != 'received'  -- stored but not read yet, so its result is not known
        offset 0
    ) as captures
    group by claims.event_id, claims.hour
)

select
    event_id,
    hour,
    ok_captures::integer as ok_captures,
    partial_captures::integer as partial_captures,
    missed_captures::integer as missed_captures,
    failed_captures::integer as failed_captures,
    voided_captures::integer as voided_captures,
    last_ok_at,
    now() as created_at
from hours
