{#-
  The end of every oracle: the rows that `direct` (recomputed from the facts) and `rollup` do not share. A bucket that
  a mark is waiting for is not wrong, it is not computed yet; the same snapshot shows the change and its mark.
-#}
{% macro differences(bucket, marked=['event_hours', 'aggregated_analytics']) -%}
different as (
    select 'the facts say' as which, missing.*
    from (select * from direct except select * from rollup) as missing
    union all
    select 'the rollup says' as which, invented.*
    from (select * from rollup except select * from direct) as invented
)

select different.*
from different
inner join {{ source('market', 'events') }} as events on different.event_id = events.id
where not exists (
    select from {{ source('market', 'dirty_buckets') }} as marks
    where marks.event_key = events.event_key
        {%- if bucket == 'hour' %}
        and marks.rollup in ({{ "'" ~ marked | join("', '") ~ "'" }})
        and marks.bucket = different.hour
        {%- elif bucket == 'day' %}
        and marks.rollup != 'latest_prices'
        and marks.bucket >= different.date::timestamp at time zone 'UTC'
        and marks.bucket < (different.date + 1)::timestamp at time zone 'UTC'
        {%- endif %}
)
{%- if bucket == 'hour' %}
-- a restored month may have its facts back and not its hours
and not exists (
    select from {{ source('market', 'cold_hours') }} as cold
    where cold.month = date_trunc('month', different.hour, 'UTC') at time zone 'UTC' and cold.deleted_at is not null
)
{%- endif %}
{%- endmacro %}
