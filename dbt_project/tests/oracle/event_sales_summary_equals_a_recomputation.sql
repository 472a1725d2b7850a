-- the reference is the plain query over orders, bookings, tickets and refunds that the box office has itself
with direct as (
    select
        event_id,
        title,
        promoter_id,
        start_time,
        tickets_sold,
        gross,
        refunds,
        net,
        service_fees,
        tickets_available,
        sell_through,
        last_sale_at
    from {{ source('box_office', 'event_sales_summary') }}
    where event_id not in (select overdue.event_id from {{ source('box_office', 'overdue_events') }} as overdue)
),

rollup as (
    select
        event_id,
        title,
        promoter_id,
        start_time,
        tickets_sold,
        gross,
        refunds,
        net,
        service_fees,
        tickets_available,
        sell_through,
        last_sale_at
    from {{ ref('event_sales_summary') }}
    where event_id not in (select overdue.event_id from {{ source('box_office', 'overdue_events') }} as overdue)
),

{{ sales_differences() }}
