{#- Both halves have all the joins, so that conditions on any column reach the tables. -#}
{% set columns %}
    events.id as event_id,
    captures.tick as timestamp,
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
{% endset %}

select
    {{ columns }},
    (captures.tick at time zone 'UTC')::date as date
from {{ ref('stg_market__section_snapshots') }} as snapshots
inner join {{ ref('stg_market__captures') }} as captures
    on snapshots.event_key = captures.event_key and snapshots.tick = captures.tick
inner join {{ ref('int_section_names') }} as sections
    on snapshots.event_key = sections.event_key and snapshots.section_key = sections.section_key
inner join {{ ref('stg_market__events') }} as events on snapshots.event_key = events.event_key

union all

-- A condition on the timestamp reaches the captures, and one on the date the packed days. The arrays are unnested in a
-- select list, which is twice as fast as in `from`.
select
    {{ columns }},
    days.date
from {{ ref('stg_market__packed_days') }} as days
inner join {{ ref('stg_market__events') }} as events on days.event_key = events.event_key
cross join lateral (  -- noqa: ST05
    select
        unnest(days.ticks) as tick,
        unnest(days.section_keys) as section_key,
        unnest(days.lowest_price_cents) as lowest_price_cents,
        unnest(days.highest_price_cents) as highest_price_cents,
        unnest(days.price_sum_cents) as price_sum_cents,
        unnest(days.lowest_price_1ticket_cents) as lowest_price_1ticket_cents,
        unnest(days.lowest_price_2tickets_cents) as lowest_price_2tickets_cents,
        unnest(days.lowest_price_4tickets_cents) as lowest_price_4tickets_cents,
        unnest(days.lowest_all_in_price_cents) as lowest_all_in_price_cents,
        unnest(days.total_tickets) as total_tickets,
        unnest(days.total_listings) as total_listings
) as snapshots
inner join {{ ref('stg_market__captures') }} as captures
    on days.event_key = captures.event_key
    and snapshots.tick = captures.tick
    and captures.tick >= days.date::timestamp at time zone 'UTC'
    and captures.tick < (days.date + 1)::timestamp at time zone 'UTC'
inner join {{ ref('int_section_names') }} as sections
    on days.event_key = sections.event_key and snapshots.section_key = sections.section_key
