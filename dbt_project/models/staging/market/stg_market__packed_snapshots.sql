select
    date,
    tick,
    price_sum_cents,
    event_key,
    section_key,
    lowest_price_cents,
    highest_price_cents,
    lowest_price_1ticket_cents,
    lowest_price_2tickets_cents,
    lowest_price_4tickets_cents,
    lowest_all_in_price_cents,
    total_tickets,
    total_listings
from {{ source('market', 'packed_snapshots') }}
