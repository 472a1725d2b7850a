with moves as materialized (
    select *
    from {{ source('market', 'listing_moves') }}
    where market.month_is_attached(tick)
),

looks as materialized (
    select event_key, tick, row_number() over (partition by event_key order by tick) as number
    from {{ source('market', 'listing_changes') }}
    where not partial and market.month_is_attached(tick)
),

images as (
    select distinct on (event_key, date_trunc('day', tick, 'UTC'))
        event_key,
        date_trunc('day', tick, 'UTC') as day,
        kept
    from {{ source('market', 'listing_changes') }}
    order by event_key, date_trunc('day', tick, 'UTC'), tick
),

departures as (
    select
        gone.*,
        gone.quantity_before - coalesce(gone.quantity, 0) as tickets,
        images.kept,
        (
            select min(later.tick) from moves as later
            where later.event_key = gone.event_key and later.listing_id = gone.listing_id
                and later.tick > gone.tick and later.tick <= gone.tick + interval '24 hours'
                and later.quantity >= case when gone.what = 'went' then 1 else gone.quantity_before end
        ) as came_back_at,
        (
            select count(*) from moves as others
            where others.event_key = gone.event_key and others.tick = gone.tick and others.what = 'went'
        ) as went_together,
        (
            select array_agg(twin.listing_id order by twin.tick, twin.listing_id) from moves as twin
            where gone.what = 'went' and twin.what = 'appeared' and twin.event_key = gone.event_key
                and (twin.section_key, twin.seat_row, twin.quantity)
                = (gone.section_key, gone.seat_row, gone.quantity_before)
                and twin.tick >= gone.tick and twin.tick <= gone.tick + interval '1 hour'
        ) as twins,
        (
            select max((
                select count(*) from moves as rival
                where rival.what = 'went' and rival.event_key = twin.event_key
                    and (rival.section_key, rival.seat_row, rival.quantity_before)
                    = (twin.section_key, twin.seat_row, twin.quantity)
                    and rival.tick >= twin.tick - interval '1 hour' and rival.tick <= twin.tick
            )) from moves as twin
            where gone.what = 'went' and twin.what = 'appeared' and twin.event_key = gone.event_key
                and (twin.section_key, twin.seat_row, twin.quantity)
                = (gone.section_key, gone.seat_row, gone.quantity_before)
                and twin.tick >= gone.tick and twin.tick <= gone.tick + interval '1 hour'
        ) as rivals,
        (
            select count(*) > 1 and sum(part.quantity) = gone.quantity_before from moves as part
            where gone.what = 'went' and part.what = 'appeared' and part.event_key = gone.event_key
                and part.tick = gone.tick and (part.section_key, part.seat_row) = (gone.section_key, gone.seat_row)
        ) as split
    from moves as gone
    left join images on gone.event_key = images.event_key and date_trunc('day', gone.tick, 'UTC') = images.day
    where gone.what in ('went', 'shrank') and market.month_is_writable(gone.tick)
),

counted as (
    select
        departures.*,
        (
            select count(*) from looks
            where looks.event_key = departures.event_key and looks.tick >= departures.tick
                and (departures.came_back_at is null or looks.tick < departures.came_back_at)
        ) as absences
    from departures
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
