select
    events.id as event_id,
    snapshots.tick as timestamp,
    zones.name as zone,
    sections.name as section,
    sections.external_id as section_id,
    {{ money('snapshots.lowest_price_cents') }} as lowest_price,
    {{ money('snapshots.price_sum_cents / snapshots.total_listings::numeric') }} as average_price,
    {{ money('snapshots.highest_price_cents') }} as highest_price,
    {{ money('snapshots.lowest_price_1ticket_cents') }} as lowest_price_1ticket,
    {{ money('snapshots.lowest_price_2tickets_cents') }} as lowest_price_2tickets,
    {{ money('snapshots.lowest_price_4tickets_cents') }} as lowest_price_4tickets,
    {{ money('snapshots.lowest_all_in_price_cents') }} as lowest_all_in_price,
    snapshots.total_tickets,
    snapshots.total_listings,
    snapshots.total_tickets > 0 as available,
    captures.status != 'partial' as complete,
    captures.fetched_at as created_at,
    events.currency
from {{ source('market', 'section_snapshots') }} as snapshots
inner join {{ source('market', 'captures') }} as captures
    on snapshots.event_key = captures.event_key and snapshots.tick = captures.tick
inner join {{ source('market', 'sections') }} as sections
    on snapshots.event_key = sections.event_key and snapshots.section_key = sections.section_key
inner join {{ source('market', 'zones') }} as zones
    on sections.event_key = zones.event_key and sections.zone_key = zones.zone_key
inner join {{ source('market', 'events') }} as events on snapshots.event_key = events.event_key
