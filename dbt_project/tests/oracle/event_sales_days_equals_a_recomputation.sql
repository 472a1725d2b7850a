with direct as (
    {{ recomputed_sales("(at at time zone 'UTC')::date", "date") }}
),

rollup as (
    select
        event_id,
        date,
        payments,
        tickets_sold,
        tickets_returned,
        gross,
        service_fees,
        taxes,
        refunds,
        last_sale_at
    from {{ ref('event_sales_days') }}
),

{{ sales_differences() }}
