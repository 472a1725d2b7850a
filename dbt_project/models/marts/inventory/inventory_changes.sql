{{ rollup(
    bucket='hour',
    indexes=[{'columns': ['event_id', 'hour']}, {'columns': ['hour']}],
    before=["{{ join_by_hash() }}"]
) }}

with claims as materialized (
    {{ claims() }}
),

observations as materialized (
    -- the observations of the day until the end of the hour: a changed price refers to its offer's number of that day
    select claims.event_id, claims.hour, days.*
    from claims
    cross join lateral (
        select *
        from {{ ref('stg_market__all_listing_changes') }} as changes
        where changes.event_key = claims.event_key
            and changes.date = (claims.hour at time zone 'UTC')::date
            and changes.tick >= {{ bucket_of('claims.hour', 'day') }}
            and changes.tick < claims.hour + interval '1 hour'
        offset 0
    ) as days
),

offers as materialized (
    select distinct observations.event_key, observations.hour, offer.number, offer.section_key
    from observations
    cross join lateral unnest(observations.numbers, observations.section_keys)
        with ordinality as offer (number, section_key, place)
    where offer.place <= coalesce(observations.kept, 0) + observations.born
),

steps as materialized (
    select observations.event_id, observations.event_key, observations.hour, step.number, step.price
    from observations
    cross join lateral unnest(observations.changed, observations.price_steps) as step (number, price)
    where observations.tick >= observations.hour and step.price != 0
),

repriced as (
    select
        steps.event_id,
        steps.hour,
        steps.event_key,
        offers.section_key,
        count(*) filter (where steps.price > 0) as repriced_up,
        count(*) filter (where steps.price < 0) as repriced_down
    from steps
    inner join offers
        on steps.event_key = offers.event_key and steps.hour = offers.hour and steps.number = offers.number
    group by steps.event_id, steps.hour, steps.event_key, offers.section_key
),

moved as (
    select
        claims.event_id,
        claims.hour,
        claims.event_key,
        moves.section_key,
        count(*) filter (where moves.what = 'appeared') as appeared,
        sum(moves.quantity) filter (where moves.what = 'appeared') as appeared_tickets,
        count(*) filter (where moves.what = 'shrank') as shrank,
        sum(moves.quantity_before - moves.quantity) filter (where moves.what = 'shrank') as shrank_tickets,
        count(*) filter (where moves.what = 'grew') as grew,
        count(*) filter (where moves.what = 'moved') as moved,
        count(*) filter (where moves.what = 'went') as went,
        sum(moves.quantity_before) filter (where moves.what = 'went') as went_tickets
    from claims
    cross join lateral (
        select *
        from {{ ref('stg_market__listing_moves') }} as of_hour
        where of_hour.event_key = claims.event_key
            and of_hour.date = (claims.hour at time zone 'UTC')::date
            and of_hour.tick >= claims.hour
            and of_hour.tick < claims.hour + interval '1 hour'
        offset 0
    ) as moves
    group by claims.event_id, claims.hour, claims.event_key, moves.section_key
),

sections as (
    select
        coalesce(moved.event_id, repriced.event_id) as event_id,
        coalesce(moved.hour, repriced.hour) as hour,
        coalesce(moved.event_key, repriced.event_key) as event_key,
        coalesce(moved.section_key, repriced.section_key) as section_key,
        moved.appeared,
        moved.appeared_tickets,
        repriced.repriced_up,
        repriced.repriced_down,
        moved.shrank,
        moved.shrank_tickets,
        moved.grew,
        moved.moved,
        moved.went,
        moved.went_tickets
    from moved
    full join repriced
        on moved.event_key = repriced.event_key
        and moved.hour = repriced.hour
        and moved.section_key = repriced.section_key
)

select
    sections.event_id,
    named.zone,
    sections.hour,
    coalesce(sum(sections.appeared), 0)::integer as appeared,
    coalesce(sum(sections.appeared_tickets), 0)::integer as appeared_tickets,
    coalesce(sum(sections.repriced_up), 0)::integer as repriced_up,
    coalesce(sum(sections.repriced_down), 0)::integer as repriced_down,
    coalesce(sum(sections.shrank), 0)::integer as shrank,
    coalesce(sum(sections.shrank_tickets), 0)::integer as shrank_tickets,
    coalesce(sum(sections.grew), 0)::integer as grew,
    coalesce(sum(sections.moved), 0)::integer as moved,
    coalesce(sum(sections.went), 0)::integer as went,
    coalesce(sum(sections.went_tickets), 0)::integer as went_tickets,
    now() as created_at
from sections
inner join {{ ref('int_section_names') }} as named
    on sections.event_key = named.event_key and sections.section_key = named.section_key
group by sections.event_id, named.zone, sections.hour
