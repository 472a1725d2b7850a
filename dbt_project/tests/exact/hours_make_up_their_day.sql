with days as (
    {{ unmarked_days() }}
),

from_hours as (
    select
        days.event_id,
        hours.zone,
        days.date,
        min(hours.min_price) as daily_min_price,
        round(avg(hours.price_sum_cents / hours.listings_seen::numeric) / 100, 2) as daily_avg_price,
        max(hours.max_price) as daily_max_price,
        min(hours.min_price_2tickets) as daily_min_2tickets,
        min(hours.min_price_4tickets) as daily_min_4tickets,
        max(hours.peak_tickets) as peak_tickets
    from days
    inner join {{ ref('aggregated_analytics') }} as hours
        on days.event_id = hours.event_id
        and hours.hour >= days.date::timestamp at time zone 'UTC'
        and hours.hour < (days.date + 1)::timestamp at time zone 'UTC'
    group by days.event_id, hours.zone, days.date
),

stored as (
    select
        rollup.event_id,
        rollup.zone,
        rollup.date,
        rollup.daily_min_price,
        rollup.daily_avg_price,
        rollup.daily_max_price,
        rollup.daily_min_2tickets,
        rollup.daily_min_4tickets,
        rollup.peak_tickets
    from {{ ref('daily_analytics') }} as rollup
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
