select
    event_id,
    zone,
    section,
    lowest_price,
    average_price,
    total_tickets,
    total_listings,
    timestamp
from {{ ref('latest_prices') }}
