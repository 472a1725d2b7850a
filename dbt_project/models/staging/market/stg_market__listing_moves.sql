select
    event_key,
    tick,
    listing_id,
    what,
    section_key,
    seat_row,
    quantity,
    quantity_before,
    price_cents,
    sellable,
    since,
    date
from {{ source('market', 'listing_moves') }}
