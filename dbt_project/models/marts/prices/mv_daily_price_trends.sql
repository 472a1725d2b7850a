select
    event_id,
    zone,
    date,
    daily_min_price as min_price,
    daily_avg_price as avg_price
from {{ ref('daily_analytics') }}
