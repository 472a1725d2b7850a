{#-
  The generic tests this project needs; ten lines each instead of a package from the hub.

  Severity: an error stops what is built on the table, so it is for what no market can do and only a fault of ours
  can (a mean below the minimum, an unknown section). What a market might do, however odd, warns.
-#}

{% test unique_together(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}


{% test holds(model, rule) %}
select *
from {{ model }}
where not ({{ rule }})
{% endtest %}


{#- Every combination of `columns` is one of `to_columns` there. -#}
{% test known_in(model, columns, to, to_columns) %}
with asked as (
    select distinct {{ columns | join(', ') }}
    from {{ model }}
)

select *
from asked
where not exists (
    select from {{ to }} as known
    where {% for column in columns %}known.{{ to_columns[loop.index0] }} = asked.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
)
{% endtest %}


{#- As `holds`, for section snapshots: a tick looks at its own, found by the captures, whose ticks have an index. -#}
{% test snapshots_hold(model, rule) %}
with newest as (
    select event_key, tick
    from {{ source('market', 'captures') }}
    where tick >= market.newest_tests_since()
)

select snapshots.*
from newest
inner join {{ model }} as snapshots on newest.event_key = snapshots.event_key and newest.tick = snapshots.tick
left join {{ source('market', 'sections') }} as sections
    on snapshots.event_key = sections.event_key and snapshots.section_key = sections.section_key
where not ({{ rule }})
{% endtest %}
