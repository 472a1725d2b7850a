select
    event_id,
    promoter_id,
    title,
    venue,
    city,
    country,
    start_time,
    end_time,
    status,
    currency,
    sales_are_public,
    archived_at,
    house,
    tickets_available
from {{ source('box_office', 'reported_events') }}
