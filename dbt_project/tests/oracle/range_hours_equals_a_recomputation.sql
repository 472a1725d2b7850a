with ranges as (
    select
        events.id as event_id,
        date_trunc('hour', facts.tick, 'UTC') as hour,
        facts.*
    from {{ source('market', 'price_ranges') }} as facts
    inner join {{ source('market', 'events') }} as events on facts.event_key = events.event_key
    where market.month_is_writable(facts.tick)
),

series as (
    select
        event_id,
        hour,
        market,
        price_basis,
        currency,
        min(lowest_price_cents) as lowest,
        sum(average_price_cents) as averages,
        count(average_price_cents) as averaged,
        max(highest_price_cents) as highest,
        count(*) as observation_count
    from ranges
    group by event_id, hour, market, price_basis, currency
),

priced as (
    select
        *,
        row_number() over (of_series order by tick) as from_the_first,
        row_number() over (of_series order by tick desc) as from_the_last
    from ranges
    where lowest_price_cents is not null
    window of_series as (partition by event_id, hour, market, price_basis, currency)
),

counted as (
    select distinct on (event_id, hour, market, price_basis, currency, what)
        ranges.event_id,
        ranges.hour,
        ranges.market,
        ranges.price_basis,
        ranges.currency,
        stated.what,
        stated.number
    from ranges
    cross join lateral (values ('listings', ranges.listings), ('tickets', ranges.tickets)) as stated (what, number)
    where stated.number is not null
    order by event_id, hour, market, price_basis, currency, what, ranges.tick desc
),

direct as (
    select
        series.event_id,
        series.hour,
        series.market,
        series.price_basis,
        series.currency,
        round(series.lowest::numeric / 100, 2) as lowest_price,
        round(series.averages / (100.0 * nullif(series.averaged, 0)), 2) as average_price,
        round(series.highest::numeric / 100, 2) as highest_price,
        round(earliest.lowest_price_cents::numeric / 100, 2) as first_lowest_price,
        round(newest.lowest_price_cents::numeric / 100, 2) as last_lowest_price,
        newest.tick as last_priced_at,
        offers.number as listings,
        places.number as tickets,
        series.observation_count
    from series
    left join priced as earliest
        on earliest.from_the_first = 1
        and (earliest.event_id, earliest.hour, earliest.market, earliest.price_basis, earliest.currency)
        = (series.event_id, series.hour, series.market, series.price_basis, series.currency)
    left join priced as newest
        on newest.from_the_last = 1
        and (newest.event_id, newest.hour, newest.market, newest.price_basis, newest.currency)
        = (series.event_id, series.hour, series.market, series.price_basis, series.currency)
    left join counted as offers
        on offers.what = 'listings'
        and (offers.event_id, offers.hour, offers.market, offers.price_basis, offers.currency)
        = (series.event_id, series.hour, series.market, series.price_basis, series.currency)
    left join counted as places
        on places.what = 'tickets'
        and (places.event_id, places.hour, places.market, places.price_basis, places.currency)
        = (series.event_id, series.hour, series.market, series.price_basis, series.currency)
),

rollup as (
    select
        event_id,
        hour,
        market,
        price_basis,
        currency,
        lowest_price,
        average_price,
        highest_price,
        first_lowest_price,
        last_lowest_price,
        last_priced_at,
        listings,
        tickets,
        observation_count
    from {{ ref('range_hours') }}
    where market.month_is_writable(hour)
),

{{ differences('hour', ['range_hours']) }}
