-- What stands after each ok look, by adding up what came and went since the day's image, is what its snapshots count.
with observations as (
    select
        event_key,
        tick,
        partial,
        kept,
        date_trunc('day', tick, 'UTC') as day
    from {{ source('market', 'listing_ticks') }}
    where date >= (market.tests_since() at time zone 'UTC')::date
        and tick >= date_trunc('day', market.tests_since(), 'UTC')
),

steps as (
    select
        offers.event_key,
        offers.tick,
        sum(case offers.what when 'went' then -1 else 1 end) as listings,
        sum(case offers.what when 'went' then -terms.quantity else terms.quantity end) as tickets
    from {{ source('market', 'listing_offers') }} as offers
    inner join observations on offers.event_key = observations.event_key and offers.tick = observations.tick
    inner join {{ source('market', 'offer_terms') }} as terms on offers.offer_terms_key = terms.offer_terms_key
    -- an image holds what stays; what went with it was never in it
    where (observations.kept is null or offers.what != 'went')
        and offers.date >= (market.tests_since() at time zone 'UTC')::date
    group by offers.event_key, offers.tick
),

standing as (
    select
        observations.event_key,
        observations.tick,
        observations.partial,
        coalesce(sum(steps.listings) over of_day, 0) as listings,
        coalesce(sum(steps.tickets) over of_day, 0) as tickets
    from observations
    left join steps on observations.event_key = steps.event_key and observations.tick = steps.tick
    window of_day as (partition by observations.event_key, observations.day order by observations.tick)
),

counted as (
    select standing.*, coalesce(stored.listings, 0) as listings_stored, coalesce(stored.tickets, 0) as tickets_stored
    from standing
    left join lateral (
        select sum(facts.total_listings) as listings, sum(facts.total_tickets) as tickets
        from {{ source('market', 'all_snapshots') }} as facts
        where facts.event_key = standing.event_key
            and facts.tick = standing.tick
            and facts.date = (standing.tick at time zone 'UTC')::date
        offset 0
    ) as stored on true
    where not standing.partial
)

select *
from counted
where listings != listings_stored or tickets != tickets_stored
