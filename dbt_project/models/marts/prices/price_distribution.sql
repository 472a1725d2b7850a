{{ rollup(
    bucket='hour',
    marks=['get_in_hours'],
    indexes=[{'columns': ['event_id', 'hour']}, {'columns': ['hour']}]
) }}

with claims as materialized (
    {{ claims() }}
),

closing as materialized (
    -- the hour's last ok capture in the listing history
    select claims.event_key, claims.event_id, claims.hour, newest.tick
    from claims
    cross join lateral (
        select observations.tick
        from {{ ref('stg_market__listing_ticks') }} as observations
        where observations.event_key = claims.event_key
            and observations.date = (claims.hour at time zone 'UTC')::date
            and observations.tick >= claims.hour
            and observations.tick < claims.hour + interval '1 hour'
            and not observations.partial
        order by observations.tick desc
        limit 1
    ) as newest
),

for_sale as (
    select closing.event_key, closing.event_id, closing.hour, closing.tick, listings.*
    from closing
    cross join lateral market.listings_of(closing.event_key, closing.tick) as listings
)

select
    for_sale.event_id,
    sections.zone,
    for_sale.hour,
    for_sale.tick as timestamp,
    count(*)::integer as total_listings,
    sum(for_sale.quantity)::integer as total_tickets,
    {{ money('min(for_sale.price_cents)') }} as min_price,
    {{ quartile(0.25) }} as lower_quartile_price,
    {{ quartile(0.5) }} as median_price,
    {{ quartile(0.75) }} as upper_quartile_price,
    {{ money('max(for_sale.price_cents)') }} as max_price,
    {{ lowest_of('price_cents', 1) }} as min_price_1ticket,
    {{ lowest_of('price_cents', 2) }} as min_price_2tickets,
    {{ lowest_of('price_cents', 4) }} as min_price_4tickets,
    {{ lowest_of('all_in_price_cents', 1) }} as min_all_in_price_1ticket,
    {{ lowest_of('all_in_price_cents', 2) }} as min_all_in_price_2tickets,
    {{ lowest_of('all_in_price_cents', 4) }} as min_all_in_price_4tickets,
    now() as created_at
from for_sale
inner join {{ ref('int_section_names') }} as sections
    on for_sale.event_key = sections.event_key and for_sale.section_key = sections.section_key
group by for_sale.event_id, sections.zone, for_sale.hour, for_sale.tick
