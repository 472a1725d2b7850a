select
    event_id,
    tier_id,
    tier,
    section,
    price,
    sold_at,
    returned_at
from {{ source('box_office', 'reported_tickets') }}
