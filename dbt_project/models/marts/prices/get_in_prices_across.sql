with links as (
    select * from {{ ref('stg_market__event_links') }}
    where state in ('automatic', 'confirmed')
),

events as (
    select * from {{ ref('stg_market__events') }}
),

sides as (
    -- each link is read from both of its sides, and an event that has one is also its own
    select source, external_id, other_source, other_external_id from links
    union
    select other_source, other_external_id, source, external_id from links
    union
    select
        source,
        external_id,
        source as same_source,
        external_id as same_external_id
    from links
    union
    select
        other_source,
        other_external_id,
        other_source as same_source,
        other_external_id as same_external_id
    from links
),

matched as (
    select
        events.id as event_id,
        others.id as source_event_id,
        others.source
    from sides
    inner join events on sides.source = events.source and sides.external_id = events.external_id
    inner join events as others
        on sides.other_source = others.source and sides.other_external_id = others.external_id
),

prices as (
    select
        matched.event_id,
        get_in.tickets,
        matched.source,
        matched.source_event_id,
        get_in.timestamp,
        get_in.price,
        get_in.all_in_price,
        get_in.currency,
        max(get_in.timestamp) over (partition by matched.event_id, get_in.tickets) - get_in.timestamp as older
    from matched
    inner join {{ ref('get_in_prices') }} as get_in
        on matched.source_event_id = get_in.event_id and get_in.kind = 'listings'
),

lowest as (
    -- of the fresh ones, all-in with all-in, and never over two currencies
    select
        event_id,
        tickets,
        currency,
        min(all_in_price) as all_in_price
    from prices
    where older <= interval '1 hour'
    group by event_id, tickets, currency
)

select
    prices.event_id,
    prices.tickets,
    prices.source,
    prices.source_event_id,
    prices.timestamp,
    prices.price,
    prices.all_in_price,
    prices.currency,
    floor(extract(epoch from prices.older) / 60)::integer as minutes_older,
    coalesce(prices.older <= interval '1 hour' and prices.all_in_price = lowest.all_in_price, false) as cheapest
from prices
left join lowest
    on prices.event_id = lowest.event_id and prices.tickets = lowest.tickets and prices.currency = lowest.currency
