{{ rollup(bucket='hour', facts='price_ranges', marks=['event_board']) }}

with claims as materialized (
    {{ claims() }}
),

observations as (
    select claims.event_id, claims.hour, ranges.*
    from claims
    -- `offset 0` makes the planner use the primary key (event_key, tick)
    cross join lateral (
        select
            facts.tick,
            facts.market,
            facts.price_basis,
            facts.currency,
            facts.lowest_price_cents,
            facts.average_price_cents,
            facts.highest_price_cents,
            facts.listings,
            facts.tickets
        from {{ ref('stg_market__price_ranges') }} as facts
        where facts.event_key = claims.event_key
            and facts.tick >= claims.hour
            and facts.tick < claims.hour + interval '1 hour'
        offset 0
    ) as ranges
),

hours as (
    select
        event_id,
        hour,
        -- if one of these changes within an hour, the hour has two rows: two kinds of prices have no common mean
        market,
        price_basis,
        currency,
        min(lowest_price_cents) as lowest_cents,
        avg(average_price_cents) as average_cents,
        max(highest_price_cents) as highest_cents,
        (array_agg(lowest_price_cents order by tick) filter (where lowest_price_cents is not null))[1] as first_cents,
        (
            array_agg(lowest_price_cents order by tick desc) filter (where lowest_price_cents is not null)
        )[1] as last_cents,
        max(tick) filter (where lowest_price_cents is not null) as last_priced_at,
        (array_agg(listings order by tick desc) filter (where listings is not null))[1] as listings,
        (array_agg(tickets order by tick desc) filter (where tickets is not null))[1] as tickets,
        count(*) as observation_count
    from observations
    group by event_id, hour, market, price_basis, currency
)

select
    event_id,
    hour,
    market,
    price_basis,
    currency,
    {{ money('lowest_cents') }} as lowest_price,
    {{ money('average_cents') }} as average_price,
    {{ money('highest_cents') }} as highest_price,
    {{ money('first_cents') }} as first_lowest_price,
    {{ money('last_cents') }} as last_lowest_price,
    last_priced_at,
    listings,
    tickets,
    observation_count::integer as observation_count,
    now() as created_at
from hours
