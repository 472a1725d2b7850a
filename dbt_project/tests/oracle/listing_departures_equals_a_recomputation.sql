-- By joins on what must be equal: asked one by one, each of n departures read all n moves, a minute for a small market.
with moves as materialized (
    select row_number() over () as number, moved.*
    from {{ source('market', 'listing_moves') }} as moved
    where market.month_is_attached(moved.tick)
),

images as (
    select distinct on (event_key, date_trunc('day', tick, 'UTC'))
        event_key,
        date_trunc('day', tick, 'UTC') as day,
        kept
    from {{ source('market', 'listing_ticks') }}
    order by event_key, date_trunc('day', tick, 'UTC'), tick
),

oks as materialized (
    -- the ok observations of each event, in order
    select event_key, array_agg(tick order by tick) as ticks
    from {{ source('market', 'listing_ticks') }}
    where not partial and market.month_is_attached(tick)
    group by event_key
),

gone as materialized (
    select *, quantity_before - coalesce(quantity, 0) as tickets
    from moves
    where what in ('went', 'shrank') and market.month_is_writable(tick)
),

returns as (
    select gone.number, min(later.tick) as came_back_at
    from gone
    inner join moves as later on gone.event_key = later.event_key and gone.listing_id = later.listing_id
    where later.tick > gone.tick and later.tick <= gone.tick + interval '24 hours'
        and later.quantity >= case when gone.what = 'went' then 1 else gone.quantity_before end
    group by gone.number
),

mass as (
    select event_key, tick, count(*) as went_together
    from moves
    where what = 'went'
    group by event_key, tick
),

twins as materialized (
    -- who went, and who appeared with the same seats within the hour
    select gone.number, twin.number as twin, twin.listing_id, twin.tick
    from gone
    inner join moves as twin
        on gone.event_key = twin.event_key and gone.section_key = twin.section_key and gone.seat_row = twin.seat_row
        and gone.quantity_before = twin.quantity
    where gone.what = 'went' and twin.what = 'appeared'
        and twin.tick >= gone.tick and twin.tick <= gone.tick + interval '1 hour'
),

rivals as (
    -- what is in cold storage no more counts as a departure of its own, but as a rival
    select twin.number as twin, count(*) as rivals
    from moves as twin
    inner join moves as rival
        on twin.event_key = rival.event_key and twin.section_key = rival.section_key
        and twin.seat_row = rival.seat_row and twin.quantity = rival.quantity_before
    where rival.what = 'went' and twin.what = 'appeared'
        and rival.tick >= twin.tick - interval '1 hour' and rival.tick <= twin.tick
    group by twin.number
),

relistings as (
    select
        twins.number,
        array_agg(twins.listing_id order by twins.tick, twins.listing_id) as twins,
        max(rivals.rivals) as rivals
    from twins
    inner join rivals on twins.twin = rivals.twin
    group by twins.number
),

splits as (
    select gone.number, count(*) > 1 and sum(part.quantity) = gone.quantity_before as split
    from gone
    inner join moves as part
        on gone.event_key = part.event_key and gone.tick = part.tick
        and gone.section_key = part.section_key and gone.seat_row = part.seat_row
    where gone.what = 'went' and part.what = 'appeared'
    group by gone.number, gone.quantity_before
),

counted as (
    select
        gone.*,
        images.kept,
        returns.came_back_at,
        mass.went_together,
        relistings.twins,
        relistings.rivals,
        splits.split,
        -- ok observations from its tick on, and before it came back: `width_bucket` counts those until an instant
        coalesce(
            case
                when returns.came_back_at is null then cardinality(oks.ticks)
                else width_bucket(returns.came_back_at - interval '1 microsecond', oks.ticks)
            end - width_bucket(gone.tick - interval '1 microsecond', oks.ticks),
            0
        ) as absences
    from gone
    left join images on gone.event_key = images.event_key and date_trunc('day', gone.tick, 'UTC') = images.day
    left join returns on gone.number = returns.number
    left join mass on gone.event_key = mass.event_key and gone.tick = mass.tick
    left join relistings on gone.number = relistings.number
    left join splits on gone.number = splits.number
    left join oks on gone.event_key = oks.event_key
),

reasons (verdict, what, reason) as (
    values
    ('came back', null, 'The same listing was shown again within a day.'),
    ('split', null, 'Its seats were listed in parts at the same moment.'),
    ('relisted', null, 'A listing of the same section, row and quantity appeared within an hour.'),
    ('open', null, 'Too few ok captures since then to say.'),
    ('sold', 'shrank', 'It shrank by a quantity that one may buy of it.'),
    ('withdrawn', 'shrank', 'It shrank by a quantity that nobody may buy of it.'),
    ('withdrawn', 'went', 'A quarter of all listings went at the same moment.'),
    ('sold', 'went', 'It is absent from enough ok captures and did not come back.')
),

judged as (
    select
        counted.*,
        case
            when came_back_at is not null then 'came back'
            when split then 'split'
            when twins is not null then 'relisted'
            when absences < market.sold_after() then 'open'
            when what = 'shrank' then case when sellable then 'sold' else 'withdrawn' end
            when went_together >= 20 and went_together * 4 >= kept then 'withdrawn'
            else 'sold'
        end as verdict
    from counted
),

direct as (
    select
        events.id as event_id,
        date_trunc('hour', judged.tick, 'UTC') as hour,
        judged.listing_id,
        judged.tick as timestamp,
        zones.name as zone,
        sections.name as section,
        judged.seat_row,
        judged.what,
        judged.tickets,
        judged.price_cents / 100.0 as price,
        judged.since as first_seen_at,
        judged.came_back_at,
        judged.twins[1] as relisted_as,
        least(judged.absences, market.sold_after()) as captures_absent,
        judged.verdict,
        case judged.verdict
            when 'came back' then 1
            when 'split' then 0.8
            when 'relisted' then round(0.9 * least(1, cardinality(judged.twins)::numeric / judged.rivals), 2)
            when 'open' then 0
            when 'withdrawn' then 0.7
            else case judged.what when 'shrank' then 0.9 else 0.6 end
        end as confidence,
        reasons.reason
    from judged
    inner join {{ source('market', 'events') }} as events on judged.event_key = events.event_key
    inner join {{ source('market', 'sections') }} as sections
        on judged.event_key = sections.event_key and judged.section_key = sections.section_key
    inner join {{ source('market', 'zones') }} as zones
        on sections.event_key = zones.event_key and sections.zone_key = zones.zone_key
    left join reasons on judged.verdict = reasons.verdict and coalesce(reasons.what, judged.what) = judged.what
),

rollup as (
    select
        event_id,
        hour,
        listing_id,
        timestamp,
        zone,
        section,
        seat_row,
        what,
        tickets,
        price,
        first_seen_at,
        came_back_at,
        relisted_as,
        captures_absent,
        verdict,
        confidence,
        reason
    from {{ ref('listing_departures') }}
    where market.month_is_writable(hour)
),

{{ differences('hour', ['listing_departures']) }}
