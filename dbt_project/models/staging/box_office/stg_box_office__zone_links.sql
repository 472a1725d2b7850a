select
    event_id,
    place,
    zone
from {{ source('box_office', 'zone_links') }}
