select
    events.id as event_id,
    zones.name as zone,
    made.origin,
    made.horizon_days,
    made.days_to_event,
    made.origin_value::numeric(10, 2) as origin_price,
    made.observed_at,
    made.low::numeric(10, 2) as low,
    made.low_50::numeric(10, 2) as low_50,
    made.mid::numeric(10, 2) as mid,
    made.high_50::numeric(10, 2) as high_50,
    made.high::numeric(10, 2) as high,
    made.gate_open,
    made.n,
    made.version,
    made.made_at
from {{ ref('stg_market__forecasts') }} as made
inner join {{ ref('stg_market__events') }} as events on made.event_key = events.event_key
left join {{ ref('stg_market__zones') }} as zones
    on made.event_key = zones.event_key and made.zone_key = zones.zone_key
where made.measure in ('get_in', 'zones')
