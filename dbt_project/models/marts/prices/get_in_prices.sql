with newest as (
    select events.id as event_id, looked.last_ok_at as timestamp
    from {{ ref('stg_market__events') }} as events
    cross join lateral (
        select days.last_ok_at
        from {{ ref('event_days') }} as days
        where days.event_id = events.id and days.last_ok_at is not null
        order by days.date desc
        limit 1
    ) as looked
),

observed_hours as (
    -- the hour of the newest ok capture, and for 1, 7 and 30 days earlier the last observed hour until then, if it is
    -- at most a day older
    select newest.event_id, newest.timestamp, ago.days, hours.hour
    from newest
    cross join (values (0), (1), (7), (30)) as ago (days)
    cross join lateral (
        select observed.hour
        from {{ ref('event_hours') }} as observed
        where observed.event_id = newest.event_id
            and observed.ok_captures > 0
            and observed.hour <= newest.timestamp - make_interval(days => ago.days)
            and observed.hour > newest.timestamp - make_interval(days => ago.days + 1)
        order by observed.hour desc
        limit 1
    ) as hours
),

prices as (
    select
        observed_hours.event_id,
        observed_hours.timestamp,
        observed_hours.days,
        sizes.tickets,
        min(sizes.price) as price,
        min(sizes.all_in_price) as all_in_price
    from observed_hours
    left join {{ ref('price_distribution') }} as zones
        on observed_hours.event_id = zones.event_id and observed_hours.hour = zones.hour
    cross join lateral (values
        (1, zones.min_price_1ticket, zones.min_all_in_price_1ticket),
        (2, zones.min_price_2tickets, zones.min_all_in_price_2tickets),
        (4, zones.min_price_4tickets, zones.min_all_in_price_4tickets)
    ) as sizes (tickets, price, all_in_price)
    group by observed_hours.event_id, observed_hours.timestamp, observed_hours.days, sizes.tickets
),

newest_ranges as (
    select distinct on (event_id, market, price_basis, currency)
        event_id,
        market,
        price_basis,
        currency,
        last_priced_at as timestamp
    from {{ ref('range_hours') }}
    where last_lowest_price is not null
    order by event_id, market, price_basis, currency, hour desc
),

range_prices as (
    -- the same for price ranges: the hour of the newest one, and the last hour with one until 1, 7 and 30 days earlier
    select newest_ranges.*, ago.days, hours.last_lowest_price as price
    from newest_ranges
    cross join (values (0), (1), (7), (30)) as ago (days)
    cross join lateral (
        select observed.last_lowest_price
        from {{ ref('range_hours') }} as observed
        where observed.event_id = newest_ranges.event_id
            and observed.market = newest_ranges.market
            and observed.price_basis = newest_ranges.price_basis
            and observed.currency = newest_ranges.currency
            and observed.last_lowest_price is not null
            and observed.hour <= newest_ranges.timestamp - make_interval(days => ago.days)
            and observed.hour > newest_ranges.timestamp - make_interval(days => ago.days + 1)
        order by observed.hour desc
        limit 1
    ) as hours
),

ranges as (
    select
        event_id,
        market,
        price_basis,
        currency,
        timestamp,
        -- an all-in price is never shown as a price before fees, and any other basis is never shown as all-in
        case when price_basis != 'all_in' then 1 end as before_fees,
        case when price_basis = 'all_in' then 1 end as all_in,
        max(price) filter (where days = 0) as price,
        max(price) filter (where days = 0) - max(price) filter (where days = 1) as change_1day,
        max(price) filter (where days = 0) - max(price) filter (where days = 7) as change_7days,
        max(price) filter (where days = 0) - max(price) filter (where days = 30) as change_30days
    from range_prices
    group by event_id, market, price_basis, currency, timestamp
)

select
    now.event_id,
    now.tickets,
    now.timestamp,
    now.price::numeric(10, 2) as price,
    now.all_in_price::numeric(10, 2) as all_in_price,
    (now.price - day_ago.price)::numeric(10, 2) as price_change_1day,
    (now.price - week_ago.price)::numeric(10, 2) as price_change_7days,
    (now.price - month_ago.price)::numeric(10, 2) as price_change_30days,
    (now.all_in_price - day_ago.all_in_price)::numeric(10, 2) as all_in_price_change_1day,
    (now.all_in_price - week_ago.all_in_price)::numeric(10, 2) as all_in_price_change_7days,
    (now.all_in_price - month_ago.all_in_price)::numeric(10, 2) as all_in_price_change_30days,
    'listings' as kind,
    null::text as market,
    null::text as price_basis,
    events.currency
from prices as now
inner join {{ ref('stg_market__events') }} as events on now.event_id = events.id
left join prices as day_ago
    on now.event_id = day_ago.event_id and now.tickets = day_ago.tickets and day_ago.days = 1
left join prices as week_ago
    on now.event_id = week_ago.event_id and now.tickets = week_ago.tickets and week_ago.days = 7
left join prices as month_ago
    on now.event_id = month_ago.event_id and now.tickets = month_ago.tickets and month_ago.days = 30
where now.days = 0
union all
select
    event_id,
    null::integer as tickets,
    timestamp,
    (price * before_fees)::numeric(10, 2) as price,
    (price * all_in)::numeric(10, 2) as all_in_price,
    (change_1day * before_fees)::numeric(10, 2) as price_change_1day,
    (change_7days * before_fees)::numeric(10, 2) as price_change_7days,
    (change_30days * before_fees)::numeric(10, 2) as price_change_30days,
    (change_1day * all_in)::numeric(10, 2) as all_in_price_change_1day,
    (change_7days * all_in)::numeric(10, 2) as all_in_price_change_7days,
    (change_30days * all_in)::numeric(10, 2) as all_in_price_change_30days,
    'price_range' as kind,
    market,
    price_basis,
    currency
from ranges
