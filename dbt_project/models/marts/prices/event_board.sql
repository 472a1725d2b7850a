{{ rollup(bucket='event', facts=['captures', 'price_ranges']) }}
{%- set prices = get_in_columns() %}

with claims as materialized (
    {{ claims() }}
),

newest as materialized (
    -- the event's newest ok capture, or if there is none, its newest price range with a lowest price
    select
        claims.event_id,
        coalesce(captures.last_ok_at, ranges.last_priced_at) as timestamp,
        case when captures.last_ok_at is null then 'price_range' else 'listings' end as kind,
        ranges.market,
        ranges.price_basis,
        ranges.currency
    from claims
    left join lateral (
        select days.last_ok_at
        from {{ ref('event_days') }} as days
        where days.event_id = claims.event_id and days.last_ok_at is not null
        order by days.date desc
        limit 1
    ) as captures on true
    left join lateral (
        select hours.last_priced_at, hours.market, hours.price_basis, hours.currency
        from {{ ref('range_hours') }} as hours
        where captures.last_ok_at is null and hours.event_id = claims.event_id and hours.last_lowest_price is not null
        order by hours.hour desc, hours.last_priced_at desc
        limit 1
    ) as ranges on true
    where captures.last_ok_at is not null or ranges.last_priced_at is not null
),

steps as materialized (
    -- the week in 56 times 3 hours, the oldest first; and 0, 1, 7 and 30 days ago, at most a day older
    select
        'week' as what,
        55 - number as place,
        number * interval '3 hours' as ago,
        (number + 1) * interval '3 hours' as until
    from generate_series(0, 55) as numbers (number)
    union all
    select
        'days' as what,
        days as place,
        days * interval '24 hours' as ago,
        (days + 1) * interval '24 hours' as until
    from (values (0), (1), (7), (30)) as numbers (days)
),

points as (
    -- the last observed hour of each step
    select
        newest.event_id,
        steps.what,
        steps.place,
        seen.hour,
        null::integer as tickets,
        null::integer as listings,
        {% for price in prices %}
        seen.{{ price }}{{ ',' if not loop.last }}
        {% endfor %}
    from newest
    cross join steps
    left join lateral (
        select *
        from {{ ref('get_in_hours') }} as hours
        where hours.event_id = newest.event_id
            and hours.hour <= newest.timestamp - steps.ago
            and hours.hour > newest.timestamp - steps.until
        order by hours.hour desc
        limit 1
    ) as seen on true
    where newest.kind = 'listings'
    union all
    select
        newest.event_id,
        steps.what,
        steps.place,
        seen.hour,
        seen.tickets,
        seen.listings,
        -- an all-in price is never shown as a price before fees, and any other basis is never shown as all-in
        case when newest.price_basis != 'all_in' then seen.last_lowest_price end as min_price_1ticket,
        null as min_price_2tickets,
        null as min_price_4tickets,
        case when newest.price_basis = 'all_in' then seen.last_lowest_price end as min_all_in_price_1ticket,
        null as min_all_in_price_2tickets,
        null as min_all_in_price_4tickets
    from newest
    cross join steps
    left join lateral (
        select *
        from {{ ref('range_hours') }} as hours
        where hours.event_id = newest.event_id
            and hours.market = newest.market
            and hours.price_basis = newest.price_basis
            and hours.currency = newest.currency
            and hours.last_lowest_price is not null
            and hours.hour <= newest.timestamp - steps.ago
            and hours.hour > newest.timestamp - steps.until
        order by hours.hour desc
        limit 1
    ) as seen on true
    where newest.kind = 'price_range'
),

compared as (
    select
        event_id,
        max(hour) filter (where what = 'days' and place = 0) as hour,
        max(tickets) filter (where what = 'days' and place = 0) as tickets,
        max(listings) filter (where what = 'days' and place = 0) as listings,
        {% for price in prices %}
        max({{ price }}) filter (where what = 'days' and place = 0) as {{ price }},
        array_agg({{ price }} order by place) filter (where what = 'days' and place > 0) as earlier_{{ price }},
        array_agg((100 * {{ price }})::integer order by place) filter (where what = 'week') as week_{{ price }}_cents,
        {% endfor %}
        array_agg(hour order by place) filter (where what = 'days' and place > 0) as earlier_hours
    from points
    group by event_id
)

select
    newest.event_id,
    newest.kind,
    newest.market,
    newest.price_basis,
    newest.timestamp,
    compared.hour,
    compared.earlier_hours::timestamptz[] as earlier_hours,
    {% for price in prices %}
    compared.{{ price }}::numeric(10, 2) as {{ price }},
    {% endfor %}
    {% for price in prices %}
    compared.earlier_{{ price }}::numeric(10, 2)[] as earlier_{{ price }},
    {% endfor %}
    {% for price in prices %}
    compared.week_{{ price }}_cents,
    {% endfor %}
    case newest.kind when 'listings' then left_now.tickets else compared.tickets end::integer as total_tickets,
    case newest.kind when 'listings' then left_now.listings else compared.listings end::integer as total_listings,
    sold.tickets::integer as sold_tickets_1day,
    now() as created_at
from newest
inner join compared on newest.event_id = compared.event_id
inner join {{ ref('stg_market__events') }} as events on newest.event_id = events.id
-- `offset 0` makes the planner look up each event, whatever it expects of the others
cross join lateral (
    select coalesce(sum(latest.total_tickets), 0) as tickets, coalesce(sum(latest.total_listings), 0) as listings
    from {{ ref('latest_prices') }} as latest
    where latest.event_id = newest.event_id
    offset 0
) as left_now
cross join lateral (
    select coalesce(sum(departures.tickets), 0) as tickets
    from {{ ref('listing_departures') }} as departures
    where departures.event_id = newest.event_id
        and departures.hour > newest.timestamp - interval '25 hours'
        and departures.timestamp > newest.timestamp - interval '24 hours'
        and departures.timestamp <= newest.timestamp
        and newest.kind = 'listings'
        and {{ final_verdict() }} = 'sold'
    offset 0
) as sold
