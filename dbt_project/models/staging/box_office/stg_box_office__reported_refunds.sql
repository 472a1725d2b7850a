select
    event_id,
    refunded_at,
    amount
from {{ source('box_office', 'reported_refunds') }}
