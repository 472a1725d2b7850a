-- not materialized: who asks for one event, as a page does, reads that event alone
with listed as not materialized (
    select
        events.event_key,
        events.id as event_id,
        events.date as begins_at,
        hours.first_hour,
        hours.last_hour
    from {{ ref('stg_market__events') }} as events
    -- `offset 0` makes the planner look up each event
    cross join lateral (
        select min(observed.hour) as first_hour, max(observed.hour) as last_hour
        from {{ ref('aggregated_analytics') }} as observed
        where observed.event_id = events.id
        offset 0
    ) as hours
)

select
    listed.event_id,
    seen.zone,
    days.origin,
    listed.event_key,
    zones.zone_key,
    listed.begins_at,
    floor(extract(epoch from listed.begins_at - days.origin) / 86400)::integer as days_to_event,
    seen.price,
    seen.last_priced_at as observed_at
from listed
cross join lateral generate_series(
    {{ bucket_of('listed.first_hour', 'day') }} + interval '1 day',
    least({{ bucket_of('listed.last_hour', 'day') }} + interval '1 day', now()),
    interval '1 day'
) as days (origin)
cross join lateral (
    -- each zone's last observed hour of the day before
    select distinct on (hours.zone)
        hours.zone,
        hours.last_price as price,
        hours.last_priced_at
    from {{ ref('aggregated_analytics') }} as hours
    where hours.event_id = listed.event_id
        and hours.hour < days.origin and hours.hour >= days.origin - interval '1 day'
        and hours.last_price > 0
    order by hours.zone, hours.hour desc
) as seen
inner join {{ ref('stg_market__zones') }} as zones
    on listed.event_key = zones.event_key and seen.zone = zones.name
