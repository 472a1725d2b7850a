select
    section_key,
    event_key,
    zone_key,
    external_id,
    name,
    home_zone_key,
    first_tick,
    place_id
from {{ source('market', 'sections') }}
