select
    sections.event_key,
    sections.section_key,
    coalesce(sections.place_id, sections.external_id) as section_id,
    sections.name as section,
    zones.name as zone
from {{ ref('stg_market__sections') }} as sections
inner join {{ ref('stg_market__zones') }} as zones
    on sections.event_key = zones.event_key and sections.zone_key = zones.zone_key
