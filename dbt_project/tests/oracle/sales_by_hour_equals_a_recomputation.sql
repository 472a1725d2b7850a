with moves as (
    select
        tickets.event_id,
        tickets.sold_at as at,
        tickets.tier_id,
        tickets.section,
        tickets.price,
        1 as ticket
    from {{ source('box_office', 'reported_tickets') }} as tickets
    union all
    select
        tickets.event_id,
        tickets.returned_at as at,
        tickets.tier_id,
        tickets.section,
        tickets.price,
        -1 as ticket
    from {{ source('box_office', 'reported_tickets') }} as tickets
    where tickets.returned_at is not null
),

direct as (
    select
        event_id,
        date_trunc('hour', at, 'UTC') as hour,
        tier_id,
        section,
        count(*) filter (where ticket = 1) as tickets_sold,
        coalesce(sum(price) filter (where ticket = 1), 0) as gross,
        count(*) filter (where ticket = -1) as tickets_returned,
        coalesce(sum(price) filter (where ticket = -1), 0) as refunds
    from moves
    group by event_id, date_trunc('hour', at, 'UTC'), tier_id, section
),

rollup as (
    select
        event_id,
        hour,
        tier_id,
        section,
        tickets_sold,
        gross,
        tickets_returned,
        refunds
    from {{ ref('sales_by_hour') }}
),

{{ sales_differences() }}
