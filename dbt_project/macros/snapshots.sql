{#-
  The snapshots at `captures`, a CTE with (event_key, tick), whether they are stored as rows or packed. Rows are read by
  their primary key, capture by capture: `offset 0` keeps the planner from reading more. Packed snapshots are read by
  day, because unpacking one capture costs as much as unpacking its day.
-#}
{% macro snapshots_at(captures) -%}
{%- set columns = [
    'event_key', 'tick', 'section_key', 'lowest_price_cents', 'highest_price_cents', 'price_sum_cents',
    'lowest_price_1ticket_cents', 'lowest_price_2tickets_cents', 'lowest_price_4tickets_cents',
    'lowest_all_in_price_cents', 'total_tickets', 'total_listings'
] -%}
select snapshots.{{ columns | join(', snapshots.') }}
    from {{ captures }} as asked
    cross join lateral (
        select *
        from {{ ref('stg_market__section_snapshots') }} as facts
        where facts.event_key = asked.event_key and facts.tick = asked.tick
        offset 0
    ) as snapshots
    union all
    select snapshots.{{ columns | join(', snapshots.') }}
    from (
        select distinct event_key, (tick at time zone 'UTC')::date as date from {{ captures }}
    ) as days
    cross join lateral (
        select *
        from {{ ref('stg_market__packed_snapshots') }} as facts
        where facts.event_key = days.event_key and facts.date = days.date
        offset 0
    ) as snapshots
    inner join {{ captures }} as asked on snapshots.event_key = asked.event_key and snapshots.tick = asked.tick
{%- endmacro %}
