select
    events.id as event_id,
    snapshots.tick as timestamp,
    sections.zone,
    sections.section,
    sections.section_id,
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
from {{ ref('stg_market__section_snapshots') }} as snapshots
inner join {{ ref('stg_market__captures') }} as captures
    on snapshots.event_key = captures.event_key and snapshots.tick = captures.tick
inner join {{ ref('int_section_names') }} as sections
    on snapshots.event_key = sections.event_key and snapshots.section_key = sections.section_key
inner join {{ ref('stg_market__events') }} as events on snapshots.event_key = events.event_key
