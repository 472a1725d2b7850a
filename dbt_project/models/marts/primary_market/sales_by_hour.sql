{{ sales_rollup(bucket='hour', marks=['event_sales_hours'], indexes=[{'columns': ['event_id', 'hour']}]) }}

with claims as materialized (
    {{ sales_claims() }}
),

tickets as (
    -- a ticket is counted in the hour in which it was sold, and in the one in which it came back
    select
        claims.event_id,
        claims.hour,
        sold.tier_id,
        sold.tier,
        sold.section,
        sold.price,
        1 as sold,
        0 as returned
    from claims
    inner join {{ ref('stg_box_office__reported_tickets') }} as sold
        on
            claims.event_id = sold.event_id
            and sold.sold_at >= claims.hour and sold.sold_at < claims.hour + interval '1 hour'
    union all
    select
        claims.event_id,
        claims.hour,
        returned.tier_id,
        returned.tier,
        returned.section,
        returned.price,
        0 as sold,
        1 as returned
    from claims
    inner join {{ ref('stg_box_office__reported_tickets') }} as returned
        on
            claims.event_id = returned.event_id
            and returned.returned_at >= claims.hour and returned.returned_at < claims.hour + interval '1 hour'
)

select
    event_id,
    hour,
    tier_id,
    tier,
    section,
    sum(sold)::integer as tickets_sold,
    sum(sold * price)::numeric(14, 2) as gross,
    sum(returned)::integer as tickets_returned,
    sum(returned * price)::numeric(14, 2) as refunds,
    now() as created_at
from tickets
group by event_id, hour, tier_id, tier, section
