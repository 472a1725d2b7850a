select
    link_id,
    source,
    external_id,
    other_source,
    other_external_id,
    state,
    rule,
    confidence
from {{ source('market', 'event_links') }}
