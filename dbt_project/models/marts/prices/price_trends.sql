select
    event_id,
    zone,
    hour,
    min_price,
    avg_price,
    max_price,
    snapshot_count
from {{ ref('aggregated_analytics') }}
where hour > now() - interval '30 days'
