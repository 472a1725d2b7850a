-- What stands after each ok look, by adding up what came and went since the day's image, is what its snapshots count.
with looks as (
    select
        event_key,
        tick,
        partial,
        kept,
        date_trunc('day', tick, 'UTC') as day
    from {{ source('market', 'listing_changes') }}
    where tick >= date_trunc('day', market.tests_since(), 'UTC')
),

steps as (
    select
        offers.event_key,
        offers.tick,
        sum(case offers.what when 'went' then -1 else 1 end) as listings,
        sum(case offers.what when 'went' then -lots.quantity else lots.quantity end) as tickets
    from {{ source('market', 'listing_offers') }} as offers
    inner join looks on offers.event_key = looks.event_key and offers.tick = looks.tick
    inner join {{ source('market', 'lots') }} as lots on offers.lot_key = lots.lot_key
    -- an image holds what stays; what went with it was never in it
    where looks.kept is null or offers.what != 'went'
    group by offers.event_key, offers.tick
),

standing as (
    select
        looks.event_key,
        looks.tick,
        looks.partial,
        coalesce(sum(steps.listings) over of_day, 0) as listings,
        coalesce(sum(steps.tickets) over of_day, 0) as tickets
    from looks
    left join steps on looks.event_key = steps.event_key and looks.tick = steps.tick
    window of_day as (partition by looks.event_key, looks.day order by looks.tick)
),

counted as (
    select standing.*, coalesce(stored.listings, 0) as listings_stored, coalesce(stored.tickets, 0) as tickets_stored
    from standing
    left join lateral (
        select sum(facts.total_listings) as listings, sum(facts.total_tickets) as tickets
        from {{ source('market', 'section_snapshots') }} as facts
        where facts.event_key = standing.event_key and facts.tick = standing.tick
        offset 0
    ) as stored on true
    where not standing.partial
)

select *
from counted
where listings != listings_stored or tickets != tickets_stored
