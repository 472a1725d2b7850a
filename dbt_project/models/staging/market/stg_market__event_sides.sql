select
    source,
    external_id,
    event_key,
    catalogue_event_id
from {{ source('market', 'event_sides') }}
