select
    events.id as event_id,
    made.origin,
    made.horizon_days,
    made.days_to_event,
    -- half a ticket more was stored, so that there is a logarithm of none
    (made.origin_value - 0.5)::numeric(10, 1) as origin_sold_tickets,
    made.observed_at,
    greatest(made.low - 0.5, 0)::numeric(10, 1) as low,
    greatest(made.low_50 - 0.5, 0)::numeric(10, 1) as low_50,
    greatest(made.mid - 0.5, 0)::numeric(10, 1) as mid,
    greatest(made.high_50 - 0.5, 0)::numeric(10, 1) as high_50,
    greatest(made.high - 0.5, 0)::numeric(10, 1) as high,
    made.gate_open,
    made.n,
    made.version,
    made.made_at
from {{ ref('stg_market__forecasts') }} as made
inner join {{ ref('stg_market__events') }} as events on made.event_key = events.event_key
where made.measure = 'sales'
