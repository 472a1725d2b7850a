{#- Cents (int, bigint or an exact quotient of them) as money: rounded once, half up. -#}
{% macro money(cents) -%}
round({{ cents }} / 100.0, 2)::numeric(10, 2)
{%- endmacro %}
