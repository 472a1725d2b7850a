with days as (
    {{ unmarked_days() }}
),

from_hours as (
    select
        days.event_id,
        days.date,
        count(*) filter (where hours.ok_captures > 0) as observed_hours,
        sum(hours.ok_captures) as ok_captures,
        sum(hours.partial_captures) as partial_captures,
        sum(hours.missed_captures) as missed_captures,
        sum(hours.failed_captures) as failed_captures,
        sum(hours.voided_captures) as voided_captures,
        max(hours.last_ok_at) as last_ok_at
    from days
    inner join {{ ref('event_hours') }} as hours
        on days.event_id = hours.event_id
        and hours.hour >= days.date::timestamp at time zone 'UTC'
        and hours.hour < (days.date + 1)::timestamp at time zone 'UTC'
    group by days.event_id, days.date
),

stored as (
    select
        rollup.event_id,
        rollup.date,
        rollup.observed_hours,
        rollup.ok_captures,
        rollup.partial_captures,
        rollup.missed_captures,
        rollup.failed_captures,
        rollup.voided_captures,
        rollup.last_ok_at
    from {{ ref('event_days') }} as rollup
    inner join days on rollup.event_id = days.event_id and rollup.date = days.date
),

missing as (
    select * from from_hours
    except
    select * from stored
),

invented as (
    select * from stored
    except
    select * from from_hours
)

select 'the hours say' as which, missing.* from missing
union all
select 'the day says' as which, invented.* from invented
