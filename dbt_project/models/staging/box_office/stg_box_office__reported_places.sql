select
    event_id,
    tier_id,
    tier,
    section,
    lowest_face_value,
    house
from {{ source('box_office', 'reported_places') }}
