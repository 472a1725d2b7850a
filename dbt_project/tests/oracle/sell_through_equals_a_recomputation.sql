with moves as (
    select
        events.event_id,
        events.house,
        floor(extract(epoch from events.start_time - date_trunc('hour', moved.at, 'UTC')) / 86400) as days_to_event,
        moved.ticket
    from {{ source('box_office', 'reported_tickets') }} as tickets
    cross join lateral (values (tickets.sold_at, 1), (tickets.returned_at, -1)) as moved (at, ticket)
    inner join {{ source('box_office', 'reported_events') }} as events on tickets.event_id = events.event_id
    where moved.at is not null
),

direct as (
    select
        days.event_id,
        days.days_to_event,
        sum(until_then.ticket) as tickets_sold,
        days.house,
        case when days.house > 0 then round(sum(until_then.ticket)::numeric / days.house, 4) end as share_sold
    from (select distinct event_id, days_to_event, house from moves) as days
    inner join moves as until_then
        on days.event_id = until_then.event_id and days.days_to_event <= until_then.days_to_event
    group by days.event_id, days.days_to_event, days.house
),

rollup as (
    select
        event_id,
        days_to_event,
        tickets_sold,
        house,
        share_sold
    from {{ ref('sell_through') }}
),

{{ sales_differences() }}
