{%- set prices = get_in_columns() -%}

with {{ offers_for_sale() }},

ok_captures as (
    select event_key, tick
    from {{ source('market', 'captures') }}
    where status in ('ok', 'empty') and market.month_is_writable(tick)
),

ranges as (
    select *
    from {{ source('market', 'price_ranges') }}
    where lowest_price_cents is not null and market.month_is_writable(tick)
),

newest as (
    -- price ranges count only for an event that was never captured: days are kept for ever
    select distinct on (event_key)
        found.event_key,
        events.id as event_id,
        events.date,
        found.tick,
        found.kind,
        found.market,
        found.price_basis,
        found.currency
    from (
        select event_key, tick, 'listings' as kind, null as market, null as price_basis, null as currency
        from ok_captures
        union all
        select event_key, tick, 'price_range' as kind, market, price_basis, currency
        from ranges
    ) as found
    inner join {{ source('market', 'events') }} as events on found.event_key = events.event_key
    where found.kind = 'listings'
        or events.id not in (
            select days.event_id
            from {{ ref('event_days') }} as days
            where days.last_ok_at is not null
        )
    order by found.event_key, found.kind, found.tick desc
),

hours as (
    -- every observed hour of listings, with what it offered
    select
        observed.event_key,
        observed.hour,
        min(price_cents) filter (where sells_1) as min_price_1ticket,
        min(price_cents) filter (where sells_2) as min_price_2tickets,
        min(price_cents) filter (where sells_4) as min_price_4tickets,
        min(all_in_cents) filter (where sells_1) as min_all_in_price_1ticket,
        min(all_in_cents) filter (where sells_2) as min_all_in_price_2tickets,
        min(all_in_cents) filter (where sells_4) as min_all_in_price_4tickets
    from (select distinct event_key, date_trunc('hour', tick, 'UTC') as hour from ok_captures) as observed
    inner join newest on observed.event_key = newest.event_key and newest.kind = 'listings'
    left join for_sale on observed.event_key = for_sale.event_key and observed.hour = for_sale.hour
    group by observed.event_key, observed.hour
    union all
    -- and every hour of the newest series of price ranges, with its last
    select *
    from (
        select distinct on (ranges.event_key, date_trunc('hour', ranges.tick, 'UTC'))
            ranges.event_key,
            date_trunc('hour', ranges.tick, 'UTC') as hour,
            case when ranges.price_basis != 'all_in' then ranges.lowest_price_cents end as before_fees,
            null::integer,
            null::integer,
            case when ranges.price_basis = 'all_in' then ranges.lowest_price_cents end as all_in,
            null::integer,
            null::integer
        from ranges
        inner join newest
            on ranges.event_key = newest.event_key and ranges.market = newest.market
            and ranges.price_basis = newest.price_basis and ranges.currency = newest.currency
        order by ranges.event_key, date_trunc('hour', ranges.tick, 'UTC'), ranges.tick desc
    ) as of_series
),

aged as (
    select hours.*, newest.tick - hours.hour as age
    from hours
    inner join newest on hours.event_key = newest.event_key
),

earlier as (
    select distinct on (aged.event_key, days.ago) days.ago, aged.*
    from aged
    inner join (values (0), (1), (7), (30)) as days (ago)
        on extract(epoch from aged.age) >= 86400 * days.ago and extract(epoch from aged.age) < 86400 * (days.ago + 1)
    order by aged.event_key, days.ago, aged.age
),

week as (
    select distinct on (event_key, div(extract(epoch from age), 10800))
        div(extract(epoch from age), 10800) as place, aged.*
    from aged
    where extract(epoch from age) between 0 and 604799.999999
    order by event_key, div(extract(epoch from age), 10800), age
),

left_now as (
    select newest.event_key, sum(snapshots.total_tickets) as tickets, sum(snapshots.total_listings) as listings
    from newest
    inner join {{ source('market', 'all_snapshots') }} as snapshots
        on newest.event_key = snapshots.event_key and newest.tick = snapshots.tick
    where newest.kind = 'listings'
    group by newest.event_key
),

-- what the newest hour of a series of ranges states
stated_by_ranges as (
    select
        newest.event_key,
        (array_agg(stated.tickets order by stated.tick desc) filter (where stated.tickets is not null))[1] as tickets,
        (array_agg(stated.listings order by stated.tick desc) filter (where stated.listings is not null))[1] as listings
    from newest
    inner join {{ source('market', 'price_ranges') }} as stated
        on newest.event_key = stated.event_key and newest.market = stated.market
        and newest.price_basis = stated.price_basis and newest.currency = stated.currency
        and date_trunc('hour', newest.tick, 'UTC') = date_trunc('hour', stated.tick, 'UTC')
    group by newest.event_key
),

-- the verdicts have an oracle of their own
sold as (
    select newest.event_key, sum(gone.tickets) as tickets
    from newest
    inner join {{ ref('listing_departures') }} as gone on newest.event_id = gone.event_id
    where newest.kind = 'listings' and gone.verdict = 'sold'
        and gone.timestamp between newest.tick - interval '86399.999999 seconds' and newest.tick
        and not (gone.what = 'went' and coalesce(gone.timestamp >= newest.date - interval '120 minutes', false))
    group by newest.event_key
),

direct as (
    select
        newest.event_id,
        newest.kind,
        newest.market,
        newest.price_basis,
        newest.tick as timestamp,
        now_seen.hour,
        array[day_ago.hour, week_ago.hour, month_ago.hour] as earlier_hours,
        {% for price in prices %}
        now_seen.{{ price }} / 100.0 as {{ price }},
        array[day_ago.{{ price }} / 100.0, week_ago.{{ price }} / 100.0, month_ago.{{ price }} / 100.0]
            as earlier_{{ price }},
        array(
            select week.{{ price }} / 100.0
            from generate_series(55, 0, -1) as places (place)
            left join week on week.event_key = newest.event_key and week.place = places.place
            order by places.place desc
        ) as week_{{ price }},
        {% endfor %}
        coalesce(left_now.tickets, case newest.kind when 'listings' then 0 else stated_by_ranges.tickets end)
            as total_tickets,
        coalesce(left_now.listings, case newest.kind when 'listings' then 0 else stated_by_ranges.listings end)
            as total_listings,
        coalesce(sold.tickets, 0) as sold_tickets_1day
    from newest
    left join earlier as now_seen on newest.event_key = now_seen.event_key and now_seen.ago = 0
    left join earlier as day_ago on newest.event_key = day_ago.event_key and day_ago.ago = 1
    left join earlier as week_ago on newest.event_key = week_ago.event_key and week_ago.ago = 7
    left join earlier as month_ago on newest.event_key = month_ago.event_key and month_ago.ago = 30
    left join left_now on newest.event_key = left_now.event_key
    left join stated_by_ranges on newest.event_key = stated_by_ranges.event_key
    left join sold on newest.event_key = sold.event_key
    -- an event whose newest capture is in cold storage: what is here is not the newest
    where not exists (
        select from {{ ref('event_days') }} as days
        where days.event_id = newest.event_id
            and days.last_ok_at > newest.tick
            and not market.month_is_writable(days.last_ok_at)
    )
        and not exists ({{ months_away('newest.tick') }})
),

rollup as (
    select
        event_id,
        kind,
        market,
        price_basis,
        timestamp,
        hour,
        earlier_hours,
        {% for price in prices %}
        {{ price }},
        earlier_{{ price }},
        week_{{ price }},
        {% endfor %}
        total_tickets,
        total_listings,
        sold_tickets_1day
    from {{ ref('event_board') }}
    where market.month_is_writable(timestamp) and not exists ({{ months_away('event_board.timestamp') }})
),

{{ differences('event') }}
