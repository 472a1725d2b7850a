select
    event_id,
    zone,
    hour,
    min_price,
    avg_price,
    max_price,
    snapshot_count
from {{ ref('price_trends') }}
