with moves as (
    {{ sales_moves() }}
),

direct as (
    select
        event_id,
        date_trunc('hour', at, 'UTC') as hour,
        count(*) filter (where what = 'paid') as payments,
        count(*) filter (where what = 'sold') as tickets_sold,
        count(*) filter (where what = 'returned') as tickets_returned,
        coalesce(sum(amount) filter (where what = 'paid'), 0) as gross,
        coalesce(sum(service_fee), 0) as service_fees,
        coalesce(sum(tax), 0) as taxes,
        coalesce(sum(amount) filter (where what = 'refunded'), 0) as refunds,
        max(at) filter (where what = 'paid') as last_sale_at
    from moves
    group by event_id, date_trunc('hour', at, 'UTC')
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
