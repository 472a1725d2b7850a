with {{ offers_for_sale() }},

observed as (
    select distinct event_key, date_trunc('hour', tick, 'UTC') as hour
    from {{ source('market', 'captures') }}
    where status in ('ok', 'empty') and market.month_is_writable(tick)
),

direct as (
    select
        events.id as event_id,
        observed.hour,
        max(for_sale.tick) as timestamp,
        count(for_sale.tick) as total_listings,
        min(price_cents) filter (where sells_1) / 100.0 as min_price_1ticket,
        min(price_cents) filter (where sells_2) / 100.0 as min_price_2tickets,
        min(price_cents) filter (where sells_4) / 100.0 as min_price_4tickets,
        min(all_in_cents) filter (where sells_1) / 100.0 as min_all_in_price_1ticket,
        min(all_in_cents) filter (where sells_2) / 100.0 as min_all_in_price_2tickets,
        min(all_in_cents) filter (where sells_4) / 100.0 as min_all_in_price_4tickets
    from observed
    inner join {{ source('market', 'events') }} as events on observed.event_key = events.event_key
    left join for_sale on observed.event_key = for_sale.event_key and observed.hour = for_sale.hour
    group by events.id, observed.hour
),

rollup as (
    select
        event_id,
        hour,
        timestamp,
        total_listings,
        min_price_1ticket,
        min_price_2tickets,
        min_price_4tickets,
        min_all_in_price_1ticket,
        min_all_in_price_2tickets,
        min_all_in_price_4tickets
    from {{ ref('get_in_hours') }}
    where market.month_is_writable(hour)
),

{{ differences('hour', marked=['event_hours', 'price_distribution', 'get_in_hours']) }}
