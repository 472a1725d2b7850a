with direct as (
    select
        events.id as event_id,
        date_trunc('hour', captures.tick, 'UTC') as hour,
        count(*) filter (where captures.status in ('ok', 'empty')) as ok_captures,
        count(*) filter (where captures.status = 'partial') as partial_captures,
        count(*) filter (where captures.status = 'missed') as missed_captures,
        count(*) filter (
            where captures.status not in ('ok', 'empty', 'partial', 'missed', 'void')
        ) as failed_captures,
        count(*) filter (where captures.status = 'void') as voided_captures,
        max(captures.tick) filter (where captures.status in ('ok', 'empty')) as last_ok_at
    from {{ source('market', 'captures') }} as captures
    inner join {{ source('market', 'events') }} as events on captures.event_key = events.event_key
    where captures.status != 'received' and market.month_is_writable(captures.tick)
    group by events.id, date_trunc('hour', captures.tick, 'UTC')
),

rollup as (
    select event_id, hour, ok_captures, partial_captures, missed_captures, failed_captures, voided_captures, last_ok_at
    from {{ ref('event_hours') }}
    where market.month_is_writable(hour)
),

{{ differences('hour') }}
