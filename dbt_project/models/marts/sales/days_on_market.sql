with departed as (
    select
        event_id,
        zone,
        (hour at time zone 'UTC')::date as date,
        verdict,
        extract(epoch from timestamp - first_seen_at) / 86400 as days
    from {{ ref('listing_departures') }}
    where what = 'went' and verdict != 'came back'
)

select
    event_id,
    zone,
    date,
    verdict,
    count(*)::integer as listings,
    round(min(days), 2)::numeric(8, 2) as min_days,
    round((percentile_cont(0.5) within group (order by days))::numeric, 2)::numeric(8, 2) as median_days,
    round(max(days), 2)::numeric(8, 2) as max_days
from departed
group by event_id, zone, date, verdict
