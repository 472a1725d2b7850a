{#- The six get-in prices: for 1, 2 and 4 together, before fees and with them. -#}
{% macro get_in_columns() -%}
{{ return([
    'min_price_1ticket', 'min_price_2tickets', 'min_price_4tickets',
    'min_all_in_price_1ticket', 'min_all_in_price_2tickets', 'min_all_in_price_4tickets',
]) }}
{%- endmacro %}
