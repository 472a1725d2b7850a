select
    captures.event_key,
    captures.tick
from {{ ref('stg_market__captures') }} as captures
where captures.status in ('ok', 'empty')
