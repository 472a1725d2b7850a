with sizes as (
    select
        board.event_id,
        board.timestamp,
        of_size.*
    from {{ ref('event_board') }} as board
    cross join lateral (values
        (
            1, board.min_price_1ticket, board.min_all_in_price_1ticket,
            board.earlier_min_price_1ticket, board.earlier_min_all_in_price_1ticket
        ),
        (
            2, board.min_price_2tickets, board.min_all_in_price_2tickets,
            board.earlier_min_price_2tickets, board.earlier_min_all_in_price_2tickets
        ),
        (
            4, board.min_price_4tickets, board.min_all_in_price_4tickets,
            board.earlier_min_price_4tickets, board.earlier_min_all_in_price_4tickets
        )
    ) as of_size (tickets, price, all_in_price, earlier_prices, earlier_all_in_prices)
    where board.kind = 'listings'
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
    -- the hour of the newest price range, and the last hour with one until 1, 7 and 30 days before, at most a day older
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
    sizes.event_id,
    sizes.tickets,
    sizes.timestamp,
    sizes.price,
    sizes.all_in_price,
    (sizes.price - sizes.earlier_prices[1])::numeric(10, 2) as price_change_1day,
    (sizes.price - sizes.earlier_prices[2])::numeric(10, 2) as price_change_7days,
    (sizes.price - sizes.earlier_prices[3])::numeric(10, 2) as price_change_30days,
    (sizes.all_in_price - sizes.earlier_all_in_prices[1])::numeric(10, 2) as all_in_price_change_1day,
    (sizes.all_in_price - sizes.earlier_all_in_prices[2])::numeric(10, 2) as all_in_price_change_7days,
    (sizes.all_in_price - sizes.earlier_all_in_prices[3])::numeric(10, 2) as all_in_price_change_30days,
    'listings' as kind,
    null::text as market,
    null::text as price_basis,
    events.currency
from sizes
inner join {{ ref('stg_market__events') }} as events on sizes.event_id = events.id
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
