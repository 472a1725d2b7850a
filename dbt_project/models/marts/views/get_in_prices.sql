with newest as (
    select events.id as event_id, looked.last_ok_at as timestamp
    from {{ source('market', 'events') }} as events
    cross join lateral (
        select days.last_ok_at
        from {{ ref('event_days') }} as days
        where days.event_id = events.id and days.last_ok_at is not null
        order by days.date desc
        limit 1
    ) as looked
),

observed_hours as (
    -- the hour of the newest ok capture, and the last observed one at or before each time ago, not a day older
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
    (now.all_in_price - month_ago.all_in_price)::numeric(10, 2) as all_in_price_change_30days
from prices as now
left join prices as day_ago
    on now.event_id = day_ago.event_id and now.tickets = day_ago.tickets and day_ago.days = 1
left join prices as week_ago
    on now.event_id = week_ago.event_id and now.tickets = week_ago.tickets and week_ago.days = 7
left join prices as month_ago
    on now.event_id = month_ago.event_id and now.tickets = month_ago.tickets and month_ago.days = 30
where now.days = 0
