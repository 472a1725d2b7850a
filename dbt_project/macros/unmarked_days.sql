{#-
  (event_id, date) of the days whose hours are all kept and none of which is about to be recomputed: those whose
  rollups must agree. `{{ unmarked_days() }}` is a query.
-#}
{% macro unmarked_days() -%}
select hours.event_id, (hours.hour at time zone 'UTC')::date as date
from {{ ref('event_hours') }} as hours
where hours.hour >= date_trunc('day', market.tests_since(), 'UTC')
except
select events.id, (marks.bucket at time zone 'UTC')::date
from {{ source('market', 'dirty_buckets') }} as marks
inner join {{ source('market', 'events') }} as events on marks.event_key = events.event_key
where isfinite(marks.bucket)
{%- endmacro %}
