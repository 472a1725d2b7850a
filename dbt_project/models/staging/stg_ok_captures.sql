select
    captures.event_key,
    captures.tick
from {{ source('market', 'captures') }} as captures
where captures.status in ('ok', 'empty')
