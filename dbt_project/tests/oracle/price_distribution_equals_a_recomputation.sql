with changes as (
    select *, date_trunc('day', tick, 'UTC') as day, date_trunc('hour', tick, 'UTC') as hour
    from {{ source('market', 'listing_changes') }}
    where market.month_is_writable(tick)
),

closing as (
    select event_key, day, hour, max(tick) as tick
    from changes
    where not partial
    group by event_key, day, hour
),

-- what befell each offer in a day: it is named (with its price), its price moves, it goes
befell as (
    select
        changes.event_key,
        changes.day,
        changes.tick,
        offer.number,
        case when offer.place <= coalesce(changes.kept, 0) + changes.born then 2 else 3 end as what,
        offer.section_key,
        offer.offer_terms_key,
        offer.price,
        offer.all_in
    from changes
    cross join lateral unnest(
        changes.numbers, changes.section_keys, changes.offer_terms_keys, changes.prices_cents,
        changes.all_in_prices_cents
    ) with ordinality as offer (number, section_key, offer_terms_key, price, all_in, place)
    union all
    select
        changes.event_key,
        changes.day,
        changes.tick,
        step.number,
        1 as what,
        null as section_key,
        null as offer_terms_key,
        step.price,
        step.all_in
    from changes
    cross join lateral unnest(changes.changed, changes.price_steps, changes.all_in_steps)
        as step (number, price, all_in)
),

counted as (
    select *, count(*) filter (where what > 1) over in_order as naming, lead(tick) over in_order as until
    from befell
    window in_order as (partition by event_key, day, number order by tick, what)
),

states as (
    select
        event_key,
        day,
        tick,
        until,
        max(what) over one_naming as what,
        max(section_key) over one_naming as section_key,
        max(offer_terms_key) over one_naming as offer_terms_key,
        sum(price) over one_naming as price_cents,
        sum(all_in) over one_naming as all_in_cents
    from counted
    where naming > 0
    window one_naming as (partition by event_key, day, number, naming order by tick)
),

for_sale as (
    select
        closing.event_key,
        closing.hour,
        closing.tick,
        states.section_key,
        states.price_cents,
        nullif(states.all_in_cents, 0) as all_in_cents,
        terms.quantity,
        terms.buyable @> '{1}' as sells_1,
        terms.buyable @> '{2}' as sells_2,
        terms.buyable @> '{4}' as sells_4
    from closing
    inner join states
        on closing.event_key = states.event_key and closing.day = states.day
        and closing.tick >= states.tick and closing.tick < coalesce(states.until, 'infinity')
    inner join {{ source('market', 'offer_terms') }} as terms on states.offer_terms_key = terms.offer_terms_key
    where states.what = 2
),

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
