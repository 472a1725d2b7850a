-- not materialized: who asks for one event, as a page does, reads that event alone
with listed as not materialized (
    select
        events.event_key,
        events.id as event_id,
        events.date as begins_at,
        hours.first_hour,
        hours.last_hour,
        case when fees.known then 'before_fees' else 'all_in' end as price_basis
    from {{ ref('stg_market__events') }} as events
    -- `offset 0` makes the planner look up each event
    cross join lateral (
        select min(observed.hour) as first_hour, max(observed.hour) as last_hour
        from {{ ref('get_in_hours') }} as observed
        where observed.event_id = events.id
        offset 0
    ) as hours
    left join lateral (
        select true as known
        from {{ ref('get_in_hours') }} as observed
        where observed.event_id = events.id
            and num_nonnulls(observed.min_price_1ticket, observed.min_price_2tickets, observed.min_price_4tickets) > 0
        limit 1
    ) as fees on true
),

ranged as (
    -- the newest series of price ranges, of an event without listings
    select
        listed.event_key,
        listed.event_id,
        listed.begins_at,
        hours.first_hour,
        newest.hour as last_hour,
        newest.market,
        newest.price_basis,
        newest.currency
    from listed
    cross join lateral (
        select series.hour, series.market, series.price_basis, series.currency
        from {{ ref('range_hours') }} as series
        where series.event_id = listed.event_id and series.last_lowest_price is not null
        order by series.hour desc, series.last_priced_at desc
        limit 1
    ) as newest
    cross join lateral (
        select min(observed.hour) as first_hour
        from {{ ref('range_hours') }} as observed
        where observed.event_id = listed.event_id
        offset 0
    ) as hours
    where listed.first_hour is null
)

select
    listed.event_id,
    days.origin,
    listed.event_key,
    listed.begins_at,
    floor(extract(epoch from listed.begins_at - days.origin) / 86400)::integer as days_to_event,
    seen.price,
    listed.price_basis,
    seen.total_listings as listings,
    seen.timestamp as observed_at
from listed
cross join lateral generate_series(
    {{ bucket_of('listed.first_hour', 'day') }} + interval '1 day',
    least({{ bucket_of('listed.last_hour', 'day') }} + interval '1 day', now()),
    interval '1 day'
) as days (origin)
cross join lateral (
    -- the last observed hour of the day before
    select
        {{ cheapest('hours', 'listed.price_basis') }} as price,
        hours.total_listings,
        hours.timestamp
    from {{ ref('get_in_hours') }} as hours
    where hours.event_id = listed.event_id
        and hours.hour < days.origin and hours.hour >= days.origin - interval '1 day'
        and {{ cheapest('hours', 'listed.price_basis') }} > 0
    order by hours.hour desc
    limit 1
) as seen
union all
select
    ranged.event_id,
    days.origin,
    ranged.event_key,
    ranged.begins_at,
    floor(extract(epoch from ranged.begins_at - days.origin) / 86400)::integer as days_to_event,
    seen.last_lowest_price as price,
    ranged.price_basis,
    seen.listings,
    seen.last_priced_at as observed_at
from ranged
cross join lateral generate_series(
    {{ bucket_of('ranged.first_hour', 'day') }} + interval '1 day',
    least({{ bucket_of('ranged.last_hour', 'day') }} + interval '1 day', now()),
    interval '1 day'
) as days (origin)
cross join lateral (
    select hours.last_lowest_price, hours.listings, hours.last_priced_at
    from {{ ref('range_hours') }} as hours
    where hours.event_id = ranged.event_id
        and hours.hour < days.origin and hours.hour >= days.origin - interval '1 day'
        and hours.market = ranged.market and hours.price_basis = ranged.price_basis
        and hours.currency = ranged.currency
        and hours.last_lowest_price > 0
    order by hours.hour desc
    limit 1
) as seen
