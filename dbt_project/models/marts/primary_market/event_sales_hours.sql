{{ sales_rollup(bucket='hour', marks=['event_sales_days', 'sell_through']) }}
-- depends_on: {{ ref('sales_by_hour') }}

with claims as materialized (
    {{ sales_claims() }}
),

tickets as (
    select
        claims.event_id,
        claims.hour,
        sum(sales.tickets_sold) as tickets_sold,
        sum(sales.tickets_returned) as tickets_returned
    from claims
    inner join {{ ref('sales_by_hour') }} as sales on claims.event_id = sales.event_id and claims.hour = sales.hour
    group by claims.event_id, claims.hour
),

payments as (
    select
        claims.event_id,
        claims.hour,
        count(*) as payments,
        sum(paid.gross) as gross,
        sum(paid.service_fee) as service_fees,
        sum(paid.tax) as taxes,
        max(paid.paid_at) as last_sale_at
    from claims
    cross join lateral (
        -- by index: the planner would compare all payments of an event with all of its hours
        select
            found.paid_at,
            found.gross,
            found.service_fee,
            found.tax
        from {{ ref('stg_box_office__reported_payments') }} as found
        where found.event_id = claims.event_id
            and found.paid_at >= claims.hour and found.paid_at < claims.hour + interval '1 hour'
        offset 0
    ) as paid
    group by claims.event_id, claims.hour
),

refunds as (
    -- a refund has no event of its own, so it is found by its hour
    select
        refunded.event_id,
        hours.hour,
        sum(refunded.amount) as refunds
    from (select distinct hour from claims) as hours
    inner join {{ ref('stg_box_office__reported_refunds') }} as refunded
        on refunded.refunded_at >= hours.hour and refunded.refunded_at < hours.hour + interval '1 hour'
    group by refunded.event_id, hours.hour
)

select
    claims.event_id,
    claims.hour,
    coalesce(payments.payments, 0)::integer as payments,
    coalesce(tickets.tickets_sold, 0)::integer as tickets_sold,
    coalesce(tickets.tickets_returned, 0)::integer as tickets_returned,
    coalesce(payments.gross, 0)::numeric(14, 2) as gross,
    coalesce(payments.service_fees, 0)::numeric(14, 2) as service_fees,
    coalesce(payments.taxes, 0)::numeric(14, 2) as taxes,
    coalesce(refunds.refunds, 0)::numeric(14, 2) as refunds,
    payments.last_sale_at,
    now() as created_at
from claims
left join tickets on claims.event_id = tickets.event_id and claims.hour = tickets.hour
left join payments on claims.event_id = payments.event_id and claims.hour = payments.hour
left join refunds on claims.event_id = refunds.event_id and claims.hour = refunds.hour
where num_nonnulls(tickets.event_id, payments.event_id, refunds.event_id) > 0
