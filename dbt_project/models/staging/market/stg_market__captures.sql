select
    tick,
    fetched_at,
    event_key,
    latency_ms,
    payload_bytes,
    stated_listings,
    stated_tickets,
    counted_listings,
    counted_tickets,
    http_status,
    job_id,
    status,
    note,
    stated_zone_tickets,
    stated_section_tickets,
    left_out_listings
from {{ source('market', 'captures') }}
