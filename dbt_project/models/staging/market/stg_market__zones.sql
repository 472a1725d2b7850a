select
    zone_key,
    event_key,
    external_id,
    name,
    display_name,
    display_order,
    first_seen_at,
    first_tick,
    first_name,
    same_as
from {{ source('market', 'zones') }}
