with prices as (
    select
        events.id as event_id,
        own.catalogue_event_id,
        get_in.tickets,
        others.source,
        others.id as source_event_id,
        get_in.timestamp,
        get_in.price,
        get_in.all_in_price,
        get_in.currency,
        max(get_in.timestamp) over (partition by events.id, get_in.tickets) - get_in.timestamp as older
    from {{ ref('stg_market__events') }} as events
    inner join {{ ref('stg_market__event_sides') }} as own on events.event_key = own.event_key
    inner join {{ ref('stg_market__event_sides') }} as sides on own.catalogue_event_id = sides.catalogue_event_id
    inner join {{ ref('stg_market__events') }} as others on sides.event_key = others.event_key
    inner join {{ ref('get_in_prices') }} as get_in on others.id = get_in.event_id and get_in.kind = 'listings'
),

compared as (
    -- of the fresh ones, all-in with all-in, and never over two currencies
    select
        *,
        older <= interval '1 hour' as fresh,
        min(all_in_price) filter (where older <= interval '1 hour') over (
            partition by event_id, tickets, currency
        ) as lowest_all_in_price
    from prices
)

select
    event_id,
    tickets,
    source,
    source_event_id,
    timestamp,
    price,
    all_in_price,
    currency,
    floor(extract(epoch from older) / 60)::integer as minutes_older,
    coalesce(fresh and all_in_price = lowest_all_in_price, false) as cheapest,
    fresh,
    catalogue_event_id
from compared
