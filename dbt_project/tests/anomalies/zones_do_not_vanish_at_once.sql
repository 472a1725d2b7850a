{#-
  Zones sell out one by one. Three or more, and at least half of those there were, gone between two captures: more
  likely an answer that was cut short and did not say so. In the last hours before an event sellers withdraw, and
  all of it goes.
-#}
{%- set enough_zones = 3 %}
{%- set share = 0.5 %}
with zones as (
    select latest.*
    from {{ ref('latest_prices') }} as latest
    inner join {{ source('market', 'events') }} as events on latest.event_id = events.id
    where latest.timestamp >= market.anomalies_since() and latest.timestamp < events.watched_until - interval '6 hours'
),

vanished as (
    select
        event_id,
        last_priced_at as last_seen_at,
        count(*) as zones_gone,
        string_agg(zone, ', ' order by zone) as which_zones,
        sum(last_price) / count(*) as mean_last_price
    from zones
    where not available and last_priced_at >= market.anomalies_since() - interval '1 hour'
    group by event_id, last_priced_at
),

left_over as (
    select event_id, count(*) filter (where available) as zones_left
    from zones
    group by event_id
)

select vanished.event_id, vanished.last_seen_at, vanished.zones_gone, left_over.zones_left, vanished.which_zones
from vanished
inner join left_over on vanished.event_id = left_over.event_id
where vanished.zones_gone >= {{ enough_zones }}
    and vanished.zones_gone >= {{ share }} * (vanished.zones_gone + left_over.zones_left)
order by vanished.zones_gone desc
