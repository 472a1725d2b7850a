{#-
  An event's listings against the same hour of the seven days before (markets have days and nights). The median of
  them, so that one odd day is no measure; at least three, or nothing is usual yet. Within a day of the event
  listings run out by themselves.
-#}
{%- set least_share = 0.5 %}
{%- set most_share = 2 %}
{%- set enough_listings = 20 %}
{%- set enough_days = 3 %}
with volumes as (
    select hours.event_id, hours.hour, sum(hours.total_listings) as listings
    from {{ ref('aggregated_analytics') }} as hours
    inner join {{ source('market', 'events') }} as events on hours.event_id = events.id
    where hours.hour >= market.anomalies_since() and hours.hour < events.watched_until - interval '24 hours'
    group by hours.event_id, hours.hour
),

same_hours as (
    select volumes.event_id, volumes.hour, volumes.listings, hours.hour as earlier, sum(hours.total_listings) as usual
    from volumes
    cross join generate_series(1, 7) as days (ago)
    inner join {{ ref('aggregated_analytics') }} as hours
        on volumes.event_id = hours.event_id and hours.hour = volumes.hour - days.ago * interval '24 hours'
    group by volumes.event_id, volumes.hour, volumes.listings, hours.hour
),

usual as (
    select
        event_id,
        hour,
        listings,
        percentile_cont(0.5) within group (order by usual) as usual_listings
    from same_hours
    group by event_id, hour, listings
    having count(*) >= {{ enough_days }}
)

select event_id, hour, listings, usual_listings
from usual
where usual_listings >= {{ enough_listings }}
    and (listings < {{ least_share }} * usual_listings or listings > {{ most_share }} * usual_listings)
order by abs(listings - usual_listings) desc
