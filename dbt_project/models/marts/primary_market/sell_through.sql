{{ sales_rollup(bucket='event') }}
-- depends_on: {{ ref('event_sales_hours') }}

with claims as materialized (
    {{ sales_claims() }}
),

days as (
    select
        events.event_id,
        events.house,
        floor(extract(epoch from events.start_time - hours.hour) / 86400)::integer as days_to_event,
        sum(hours.tickets_sold - hours.tickets_returned) as tickets
    from claims
    inner join {{ ref('stg_box_office__reported_events') }} as events on claims.event_id = events.event_id
    inner join {{ ref('event_sales_hours') }} as hours on claims.event_id = hours.event_id
    where hours.tickets_sold + hours.tickets_returned > 0
    group by events.event_id, events.house, days_to_event
),

added_up as (
    select
        event_id,
        days_to_event,
        house,
        sum(tickets) over (partition by event_id order by days_to_event desc) as tickets_sold
    from days
)

select
    event_id,
    days_to_event,
    tickets_sold::integer as tickets_sold,
    house,
    case when house > 0 then round(tickets_sold / house, 4) end::numeric(8, 4) as share_sold,
    now() as created_at
from added_up
