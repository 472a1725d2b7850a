{{ rollup(
    bucket='hour',
    marks=['event_board'],
    indexes=[{'columns': ['event_id', 'hour']}, {'columns': ['hour']}],
    before=["{{ claim_what_came_back() }}", "{{ join_by_hash() }}"]
) }}

-- The windows are RETURN_WINDOW (24 hours) and RELISTING_WINDOW (1 hour) of tickettape/listing_history/history.py. That
-- module marks hours with the same windows.
with claims as materialized (
    {{ claims() }}
),

moves as materialized (
    -- the moves of the hour, of the hour before (possible relistings), and of the day after (possible returns)
    select claims.event_id, claims.hour, around.*
    from claims
    cross join lateral (
        select *
        from {{ ref('stg_market__listing_moves') }} as of_event
        where of_event.event_key = claims.event_key
            and of_event.date >= ((claims.hour - interval '1 hour') at time zone 'UTC')::date
            and of_event.date <= ((claims.hour + interval '25 hours') at time zone 'UTC')::date
            and of_event.tick >= claims.hour - interval '1 hour'
            and of_event.tick < claims.hour + interval '25 hours'
        offset 0
    ) as around
),

departures as materialized (
    select
        event_id,
        event_key,
        hour,
        tick,
        listing_id,
        what,
        section_key,
        seat_row,
        price_cents,
        sellable,
        since,
        quantity_before,
        quantity_before - coalesce(quantity, 0) as tickets,
        count(*) filter (where what = 'went') over (partition by event_key, tick) as went_together
    from moves
    where what in ('went', 'shrank') and tick >= hour and tick < hour + interval '1 hour'
),

returns as (
    -- a listing that went is shown again, or a listing that shrank has its tickets again
    select
        departures.event_key,
        departures.hour,
        departures.tick,
        departures.listing_id,
        min(moves.tick) as came_back_at
    from departures
    inner join moves
        on departures.event_key = moves.event_key
        and departures.hour = moves.hour
        and departures.listing_id = moves.listing_id
        and departures.tick < moves.tick
        and departures.tick + interval '24 hours' >= moves.tick
    where moves.quantity is not null and (departures.what = 'went' or moves.quantity >= departures.quantity_before)
    group by departures.event_key, departures.hour, departures.tick, departures.listing_id
),

twins as (
    -- each listing that appeared, with the number of listings of the same section, row and quantity that went in the
    -- hour before
    select
        came.event_key,
        came.hour,
        came.tick,
        came.listing_id,
        came.section_key,
        came.seat_row,
        came.quantity,
        count(*) as rivals
    from moves as came
    inner join moves as rival
        on came.event_key = rival.event_key
        and came.hour = rival.hour
        and came.section_key = rival.section_key
        and came.seat_row = rival.seat_row
        and came.quantity = rival.quantity_before
        and rival.tick between came.tick - interval '1 hour' and came.tick
    where came.what = 'appeared' and rival.what = 'went'
    group by
        came.event_key, came.hour, came.tick, came.listing_id, came.section_key, came.seat_row, came.quantity
),

relistings as (
    -- another listing with the same seats appeared; the fewer such listings went, the surer it is this one
    select
        departures.event_key,
        departures.hour,
        departures.tick,
        departures.listing_id,
        count(*) as candidates,
        max(twins.rivals) as rivals,
        min(twins.tick) as relisted_at,
        (array_agg(twins.listing_id order by twins.tick, twins.listing_id))[1] as relisted_as
    from departures
    inner join twins
        on departures.event_key = twins.event_key
        and departures.hour = twins.hour
        and departures.section_key = twins.section_key
        and departures.seat_row = twins.seat_row
        and departures.quantity_before = twins.quantity
        and twins.tick between departures.tick and departures.tick + interval '1 hour'
    where departures.what = 'went'
    group by departures.event_key, departures.hour, departures.tick, departures.listing_id
),

splits as (
    -- its seats appeared in several listings at the same tick
    select departures.event_key, departures.hour, departures.tick, departures.listing_id
    from departures
    inner join moves
        on departures.event_key = moves.event_key
        and departures.hour = moves.hour
        and departures.tick = moves.tick
        and departures.section_key = moves.section_key
        and departures.seat_row = moves.seat_row
    where departures.what = 'went' and moves.what = 'appeared'
    group by departures.event_key, departures.hour, departures.tick, departures.listing_id, departures.quantity_before
    having count(*) > 1 and sum(moves.quantity) = departures.quantity_before
),

absences as (
    -- the number of ok captures in a row that did not show it, at most market.sold_after()
    select
        departures.event_key,
        departures.hour,
        departures.tick,
        departures.listing_id,
        count(without_it.tick) as captures_absent
    from departures
    left join returns
        on departures.event_key = returns.event_key and departures.hour = returns.hour
        and departures.tick = returns.tick and departures.listing_id = returns.listing_id
    left join lateral (
        select observations.tick
        from market.ok_ticks_from(departures.event_key, departures.tick, market.sold_after()) as observations (tick)
        where observations.tick < coalesce(returns.came_back_at, 'infinity')
    ) as without_it on true
    group by departures.event_key, departures.hour, departures.tick, departures.listing_id
),

known as (
    select
        departures.*,
        returns.came_back_at,
        relistings.relisted_at,
        relistings.relisted_as,
        least(1, relistings.candidates::numeric / relistings.rivals) as relisting_share,
        splits.tick is not null as split,
        absences.captures_absent,
        images.standing
    from departures
    inner join absences
        on departures.event_key = absences.event_key and departures.hour = absences.hour
        and departures.tick = absences.tick and departures.listing_id = absences.listing_id
    left join returns
        on departures.event_key = returns.event_key and departures.hour = returns.hour
        and departures.tick = returns.tick and departures.listing_id = returns.listing_id
    left join relistings
        on departures.event_key = relistings.event_key and departures.hour = relistings.hour
        and departures.tick = relistings.tick and departures.listing_id = relistings.listing_id
    left join splits
        on departures.event_key = splits.event_key and departures.hour = splits.hour
        and departures.tick = splits.tick and departures.listing_id = splits.listing_id
    -- the number of listings when the day began
    left join lateral (
        select observations.kept as standing
        from {{ ref('stg_market__listing_ticks') }} as observations
        where observations.event_key = departures.event_key
            and observations.date = (departures.tick at time zone 'UTC')::date
            and observations.tick >= {{ bucket_of('departures.tick', 'day') }}
            and observations.tick <= departures.tick
        order by observations.tick
        limit 1
    ) as images on true
),

-- materialized: the planner expects few departures. In one join with the sections' names, it would first pair each
-- departure with every section of its event
judged as materialized (
    select
        known.*,
        case
            when came_back_at is not null then 'came back'
            when split then 'split'
            when relisted_at is not null then 'relisted'
            when captures_absent < market.sold_after() then 'open'
            when what = 'shrank' and sellable then 'sold'
            when what = 'shrank' then 'withdrawn'
            when went_together >= 20 and went_together >= 0.25 * standing then 'withdrawn'
            else 'sold'
        end as verdict
    from known
)

select
    judged.event_id,
    judged.listing_id,
    judged.hour,
    judged.tick as timestamp,
    sections.zone,
    sections.section,
    judged.seat_row,
    judged.what,
    judged.tickets::integer as tickets,
    {{ money('judged.price_cents') }} as price,
    judged.since as first_seen_at,
    judged.came_back_at,
    judged.relisted_as,
    judged.captures_absent::integer as captures_absent,
    judged.verdict,
    case
        when judged.verdict = 'came back' then 1
        when judged.verdict = 'relisted' then round(0.9 * judged.relisting_share, 2)
        when judged.verdict = 'split' then 0.8
        when judged.verdict = 'open' then 0
        when judged.what = 'shrank' and judged.verdict = 'sold' then 0.9
        when judged.verdict = 'withdrawn' then 0.7
        else 0.6
    end::numeric(3, 2) as confidence,
    case
        when judged.verdict = 'came back' then 'The same listing was shown again within a day.'
        when judged.verdict = 'split' then 'Its seats were listed in parts at the same moment.'
        when judged.verdict = 'relisted' then 'A listing of the same section, row and quantity appeared within an hour.'
        when judged.verdict = 'open' then 'Too few ok captures since then to say.'
        when judged.what = 'shrank' and judged.verdict = 'sold' then 'It shrank by a quantity that one may buy of it.'
        when judged.what = 'shrank' then 'It shrank by a quantity that nobody may buy of it.'
        when judged.verdict = 'withdrawn' then 'A quarter of all listings went at the same moment.'
        else 'It is absent from enough ok captures and did not come back.'
    end as reason,
    now() as created_at
from judged
inner join {{ ref('int_section_names') }} as sections
    on judged.event_key = sections.event_key and judged.section_key = sections.section_key
