{{ sales_rollup(bucket='day', marks=['event_sales_summary']) }}
-- depends_on: {{ ref('event_sales_hours') }}

with claims as materialized (
    {{ sales_claims() }}
)

select
    claims.event_id,
    (claims.hour at time zone 'UTC')::date as date,
    sum(hours.payments)::integer as payments,
    sum(hours.tickets_sold)::integer as tickets_sold,
    sum(hours.tickets_returned)::integer as tickets_returned,
    sum(hours.gross)::numeric(14, 2) as gross,
    sum(hours.service_fees)::numeric(14, 2) as service_fees,
    sum(hours.taxes)::numeric(14, 2) as taxes,
    sum(hours.refunds)::numeric(14, 2) as refunds,
    max(hours.last_sale_at) as last_sale_at,
    now() as created_at
from claims
cross join lateral (
    -- by index: the planner would compare all hours of an event with all of its days
    select
        found.payments,
        found.tickets_sold,
        found.tickets_returned,
        found.gross,
        found.service_fees,
        found.taxes,
        found.refunds,
        found.last_sale_at
    from {{ ref('event_sales_hours') }} as found
    where found.event_id = claims.event_id
        and found.hour >= claims.hour and found.hour < claims.hour + interval '1 day'
    offset 0
) as hours
group by claims.event_id, claims.hour
