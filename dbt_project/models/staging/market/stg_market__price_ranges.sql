select
    tick,
    event_key,
    lowest_price_cents,
    average_price_cents,
    highest_price_cents,
    listings,
    tickets,
    market,
    price_basis,
    currency
from {{ source('market', 'price_ranges') }}
