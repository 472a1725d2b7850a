{{ sales_rollup(bucket='event') }}
-- depends_on: {{ ref('event_sales_days') }}

with claims as materialized (
    {{ sales_claims() }}
),

sums as (
    select
        claims.event_id,
        sum(days.tickets_sold - days.tickets_returned) as tickets_sold,
        sum(days.gross) as gross,
        sum(days.refunds) as refunds,
        sum(days.service_fees) as service_fees,
        max(days.last_sale_at) as last_sale_at
    from claims
    inner join {{ ref('event_sales_days') }} as days on claims.event_id = days.event_id
    group by claims.event_id
),

counted as (
    select
        events.event_id,
        events.title,
        events.promoter_id,
        events.start_time,
        events.currency,
        coalesce(sums.tickets_sold, 0)::integer as tickets_sold,
        coalesce(sums.gross, 0) as gross,
        coalesce(sums.refunds, 0) as refunds,
        coalesce(sums.service_fees, 0) as service_fees,
        events.tickets_available,
        sums.last_sale_at
    from claims
    inner join {{ ref('stg_box_office__reported_events') }} as events on claims.event_id = events.event_id
    left join sums on claims.event_id = sums.event_id
)

select
    event_id,
    title::text as title,
    promoter_id,
    start_time,
    tickets_sold,
    gross::numeric(14, 2) as gross,
    refunds::numeric(14, 2) as refunds,
    (gross - refunds)::numeric(14, 2) as net,
    service_fees::numeric(14, 2) as service_fees,
    tickets_available,
    case
        when tickets_sold + tickets_available > 0
            then round(tickets_sold::numeric / (tickets_sold + tickets_available), 4)
    end::numeric(5, 4) as sell_through,
    last_sale_at,
    currency,
    now() as created_at
from counted
