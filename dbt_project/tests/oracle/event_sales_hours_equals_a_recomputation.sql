with direct as (
    {{ recomputed_sales("date_trunc('hour', at, 'UTC')", "hour") }}
),

rollup as (
    select
        event_id,
        hour,
        payments,
        tickets_sold,
        tickets_returned,
        gross,
        service_fees,
        taxes,
        refunds,
        last_sale_at
    from {{ ref('event_sales_hours') }}
),

{{ sales_differences() }}
