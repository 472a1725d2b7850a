with changes as (
    select *, date_trunc('day', tick, 'UTC') as day
    from {{ source('market', 'all_listing_changes') }}
    where market.month_is_writable(tick)
),

-- each offer as it was last named before its price changed
named as materialized (
    select changes.event_key, changes.day, changes.tick, offer.number, offer.section_key
    from changes
    cross join lateral unnest(changes.numbers, changes.section_keys)
        with ordinality as offer (number, section_key, place)
    where offer.place <= coalesce(changes.kept, 0) + changes.born
),

steps as materialized (
    select changes.event_key, changes.day, changes.tick, step.number, step.price
    from changes
    cross join lateral unnest(changes.changed, changes.price_steps) as step (number, price)
    where step.price != 0
),

repriced as (
    select distinct on (steps.event_key, steps.tick, steps.number)
        steps.event_key,
        steps.tick,
        named.section_key,
        steps.price
    from steps
    inner join named
        on steps.event_key = named.event_key and steps.day = named.day
        and steps.tick >= named.tick and steps.number = named.number
    order by steps.event_key, steps.tick, steps.number, named.tick desc
),

happened as (
    select
        event_key,
        tick,
        section_key,
        case when price > 0 then 'dearer' else 'cheaper' end as what,
        0 as came,
        0 as gone
    from repriced
    union all
    select
        event_key,
        tick,
        section_key,
        what,
        coalesce(quantity, 0) as came,
        coalesce(quantity_before, 0) as gone
    from {{ source('market', 'listing_moves') }}
    where what != 'changed its terms' and market.month_is_writable(tick)
),

direct as (
    select
        events.id as event_id,
        zones.name as zone,
        date_trunc('hour', happened.tick, 'UTC') as hour,
        count(*) filter (where what = 'appeared') as appeared,
        coalesce(sum(came) filter (where what = 'appeared'), 0) as appeared_tickets,
        count(*) filter (where what = 'dearer') as repriced_up,
        count(*) filter (where what = 'cheaper') as repriced_down,
        count(*) filter (where what = 'shrank') as shrank,
        coalesce(sum(gone - came) filter (where what = 'shrank'), 0) as shrank_tickets,
        count(*) filter (where what = 'grew') as grew,
        count(*) filter (where what = 'moved') as moved,
        count(*) filter (where what = 'went') as went,
        coalesce(sum(gone) filter (where what = 'went'), 0) as went_tickets
    from happened
    inner join {{ source('market', 'events') }} as events on happened.event_key = events.event_key
    inner join {{ source('market', 'sections') }} as sections
        on happened.event_key = sections.event_key and happened.section_key = sections.section_key
    inner join {{ source('market', 'zones') }} as zones
        on sections.event_key = zones.event_key and sections.zone_key = zones.zone_key
    group by events.id, zones.name, date_trunc('hour', happened.tick, 'UTC')
),

rollup as (
    select
        event_id,
        zone,
        hour,
        appeared,
        appeared_tickets,
        repriced_up,
        repriced_down,
        shrank,
        shrank_tickets,
        grew,
        moved,
        went,
        went_tickets
    from {{ ref('inventory_changes') }}
    where market.month_is_writable(hour)
        -- a listing that only changed its terms makes a row of zeros
        and appeared + repriced_up + repriced_down + shrank + grew + moved + went > 0
),

{{ differences('hour', ['inventory_changes']) }}
