select
    zone_key,
    event_key,
    external_id,
    name,
    display_name,
    display_order,
    first_seen_at
from {{ source('market', 'zones') }}
