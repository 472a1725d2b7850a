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

{%- set columns = [
    'event_key', 'tick', 'section_key', 'lowest_price_cents', 'highest_price_cents', 'price_sum_cents',
    'lowest_price_1ticket_cents', 'lowest_price_2tickets_cents', 'lowest_price_4tickets_cents', 'total_tickets',
    'total_listings'
] %}
select snapshots.*
from (
    select facts.{{ columns | join(', facts.') }}
    from newest
    inner join {{ model }} as facts on newest.event_key = facts.event_key and newest.tick = facts.tick
    union all
    select facts.{{ columns | join(', facts.') }}
    from (select distinct event_key, (tick at time zone 'UTC')::date as date from newest) as days
    cross join lateral (
        select *
        from {{ source('market', 'packed_snapshots') }} as packed
        where packed.event_key = days.event_key and packed.date = days.date
        offset 0
    ) as facts
    inner join newest on facts.event_key = newest.event_key and facts.tick = newest.tick
) as snapshots
left join {{ source('market', 'sections') }} as sections
    on snapshots.event_key = sections.event_key and snapshots.section_key = sections.section_key
where not ({{ rule }})
{% endtest %}
