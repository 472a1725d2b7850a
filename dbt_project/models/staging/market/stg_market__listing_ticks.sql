select
    event_key,
    tick,
    kept,
    partial,
    date
from {{ source('market', 'listing_ticks') }}
