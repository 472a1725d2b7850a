with sections as (
    select event_key, zone_key, array_agg(distinct coalesce(place_id, external_id)) as sections
    from {{ ref('stg_market__sections') }}
    group by event_key, zone_key
)

select
    events.id as event_id,
    zones.name as zone_name,
    zones.display_name,
    coalesce(sections.sections, '{}') as sections,
    zones.display_order
from {{ ref('stg_market__zones') }} as zones
inner join {{ ref('stg_market__events') }} as events on zones.event_key = events.event_key
left join sections on zones.event_key = sections.event_key and zones.zone_key = sections.zone_key
-- an alias is not a zone of its own: its sections belong to the zone that it stands for
where zones.same_as is null
