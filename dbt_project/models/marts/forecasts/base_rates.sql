select
    phase,
    horizon_days,
    cheaper_10,
    cheaper_5,
    dearer_5,
    dearer_10,
    low,
    median,
    high,
    events,
    pairs,
    as_of
from {{ ref('stg_market__forecast_base_rates') }}
