select
    phase,
    horizon_days,
    events,
    pairs,
    cheaper_10,
    cheaper_5,
    dearer_5,
    dearer_10,
    low,
    median,
    high,
    as_of
from {{ source('market', 'forecast_base_rates') }}
