select
    events.id as event_id,
    made.origin,
    made.horizon_days,
    made.days_to_event,
    made.origin_value::integer as origin_listings,
    made.observed_at,
    made.low::numeric(10, 1) as low,
    made.low_50::numeric(10, 1) as low_50,
    made.mid::numeric(10, 1) as mid,
    made.high_50::numeric(10, 1) as high_50,
    made.high::numeric(10, 1) as high,
    made.gate_open,
    made.n,
    made.version,
    made.made_at
from {{ ref('stg_market__forecasts') }} as made
inner join {{ ref('stg_market__events') }} as events on made.event_key = events.event_key
where made.measure = 'listings'
