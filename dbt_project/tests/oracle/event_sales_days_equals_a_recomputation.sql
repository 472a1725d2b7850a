with moves as (
    {{ sales_moves() }}
),

direct as (
    select
        event_id,
        (at at time zone 'UTC')::date as date,
        count(*) filter (where what = 'paid') as payments,
        count(*) filter (where what = 'sold') as tickets_sold,
        count(*) filter (where what = 'returned') as tickets_returned,
        coalesce(sum(amount) filter (where what = 'paid'), 0) as gross,
        coalesce(sum(service_fee), 0) as service_fees,
        coalesce(sum(tax), 0) as taxes,
        coalesce(sum(amount) filter (where what = 'refunded'), 0) as refunds,
        max(at) filter (where what = 'paid') as last_sale_at
    from moves
    group by event_id, (at at time zone 'UTC')::date
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
