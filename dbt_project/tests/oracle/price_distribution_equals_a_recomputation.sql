with {{ offers_for_sale() }},

direct as (
    select
        events.id as event_id,
        zones.name as zone,
        for_sale.hour,
        for_sale.tick as timestamp,
        count(*) as total_listings,
        sum(for_sale.quantity) as total_tickets,
        min(price_cents) / 100.0 as min_price,
        round((percentile_cont(0.25) within group (order by price_cents))::numeric / 100, 2) as lower_quartile_price,
        round((percentile_cont(0.5) within group (order by price_cents))::numeric / 100, 2) as median_price,
        round((percentile_cont(0.75) within group (order by price_cents))::numeric / 100, 2) as upper_quartile_price,
        max(price_cents) / 100.0 as max_price,
        min(price_cents) filter (where sells_1) / 100.0 as min_price_1ticket,
        min(price_cents) filter (where sells_2) / 100.0 as min_price_2tickets,
        min(price_cents) filter (where sells_4) / 100.0 as min_price_4tickets,
        min(all_in_cents) filter (where sells_1) / 100.0 as min_all_in_price_1ticket,
        min(all_in_cents) filter (where sells_2) / 100.0 as min_all_in_price_2tickets,
        min(all_in_cents) filter (where sells_4) / 100.0 as min_all_in_price_4tickets
    from for_sale
    inner join {{ source('market', 'sections') }} as sections
        on for_sale.event_key = sections.event_key and for_sale.section_key = sections.section_key
    inner join {{ source('market', 'zones') }} as zones
        on sections.event_key = zones.event_key and sections.zone_key = zones.zone_key
    inner join {{ source('market', 'events') }} as events on for_sale.event_key = events.event_key
    group by events.id, zones.name, for_sale.hour, for_sale.tick
),

rollup as (
    select
        event_id,
        zone,
        hour,
        timestamp,
        total_listings,
        total_tickets,
        min_price,
        lower_quartile_price,
        median_price,
        upper_quartile_price,
        max_price,
        min_price_1ticket,
        min_price_2tickets,
        min_price_4tickets,
        min_all_in_price_1ticket,
        min_all_in_price_2tickets,
        min_all_in_price_4tickets
    from {{ ref('price_distribution') }}
    where market.month_is_writable(hour)
),

{{ differences('hour', ['price_distribution']) }}
