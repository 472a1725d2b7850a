select
    section_key,
    event_key,
    zone_key,
    external_id,
    name
from {{ source('market', 'sections') }}
