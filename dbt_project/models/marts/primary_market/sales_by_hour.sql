{{ sales_rollup(bucket='hour', marks=['event_sales_hours'], indexes=[{'columns': ['event_id', 'hour']}]) }}

with claims as materialized (
    {{ sales_claims() }}
),

tickets as (
    -- A ticket is counted in the hour in which it was sold, and in the one in which it came back. By index: the planner
    -- would compare all tickets of an event with all of its hours.
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
    cross join lateral (
        select
            found.tier_id,
            found.tier,
            found.section,
            found.price
        from {{ ref('stg_box_office__reported_tickets') }} as found
        where found.event_id = claims.event_id
            and found.sold_at >= claims.hour and found.sold_at < claims.hour + interval '1 hour'
        offset 0
    ) as sold
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
    cross join lateral (
        select
            found.tier_id,
            found.tier,
            found.section,
            found.price
        from {{ ref('stg_box_office__reported_tickets') }} as found
        where found.event_id = claims.event_id
            and found.returned_at >= claims.hour and found.returned_at < claims.hour + interval '1 hour'
        offset 0
    ) as returned
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
