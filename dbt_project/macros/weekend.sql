{#- Whether an event is on a Friday, Saturday or Sunday at its venue. -#}
{% macro weekend(events) -%}
(extract(isodow from {{ events }}.date at time zone coalesce({{ events }}.venue_time_zone, 'UTC')) >= 5)
{%- endmacro %}
