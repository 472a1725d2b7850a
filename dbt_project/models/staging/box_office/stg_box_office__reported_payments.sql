select
    event_id,
    paid_at,
    gross,
    service_fee,
    tax
from {{ source('box_office', 'reported_payments') }}
