with coming as (
    -- each event that is still to come, at its newest origin
    select
        events.id as event_id,
        events.source,
        events.performer_id,
        events.venue,
        events.category,
        events.currency,
        {{ weekend('events') }} as weekend,
        newest.days_to_event,
        newest.price,
        newest.price_basis
    from {{ ref('stg_market__events') }} as events
    cross join lateral (
        select days.days_to_event, days.price, days.price_basis
        from {{ ref('get_in_days') }} as days
        where days.event_id = events.id
        order by days.origin desc
        limit 1
    ) as newest
    where events.date > now() and newest.days_to_event >= 0
),

compared as (
    select
        coming.event_id,
        others.id as comparable_id,
        others.name,
        others.date,
        others.date_status,
        others.venue,
        others.venue_time_zone,
        coming.days_to_event,
        coming.price,
        coming.price_basis,
        nearest.days_to_event as comparable_days_to_event,
        nearest.price as comparable_price,
        count(*) over (partition by coming.event_id) as comparables
    from coming
    inner join {{ ref('stg_market__events') }} as others
        on coming.event_id != others.id
        and coming.source = others.source
        and coming.currency = others.currency
        and coming.weekend = {{ weekend('others') }}
        and others.date is not null
        and (
            coming.performer_id = others.performer_id
            or (coming.venue = others.venue and coming.category = others.category)
        )
    cross join lateral (
        select days.days_to_event, days.price
        from {{ ref('get_in_days') }} as days
        where days.event_id = others.id and days.price_basis = coming.price_basis
            and abs(days.days_to_event - coming.days_to_event) <= 0.15 * coming.days_to_event
            -- the same in origins, so that no other day is looked up
            and days.origin > others.date - (1.15 * coming.days_to_event + 1) * interval '1 day'
            and days.origin <= others.date - 0.85 * coming.days_to_event * interval '1 day'
        order by abs(days.days_to_event - coming.days_to_event), days.origin desc
        limit 1
    ) as nearest
)

select
    event_id,
    comparable_id,
    name,
    date,
    days_to_event,
    price,
    price_basis,
    comparable_days_to_event,
    comparable_price,
    comparables::integer as comparables,
    -- the share of the comparables that were cheaper; of two equal prices, each is half cheaper
    avg(case when comparable_price < price then 1 when comparable_price = price then 0.5 else 0 end) over (
        partition by event_id
    )::double precision as percentile,
    date_status,
    venue,
    venue_time_zone
from compared
where comparables >= 8
