select
    event_id,
    zone,
    (hour at time zone 'UTC')::date as date,
    verdict,
    count(*)::integer as listings,
    round(min(extract(epoch from timestamp - first_seen_at)) / 86400, 2)::numeric(8, 2) as min_days,
    round(
        (percentile_cont(0.5) within group (order by extract(epoch from timestamp - first_seen_at)::bigint) / 86400)::numeric,
        2
    )::numeric(8, 2) as median_days,
    round(max(extract(epoch from timestamp - first_seen_at)) / 86400, 2)::numeric(8, 2) as max_days
from {{ ref('listing_departures') }}
where what = 'went' and verdict != 'came back'
group by event_id, zone, (hour at time zone 'UTC')::date, verdict
