{#- The six get-in prices: for 1, 2 and 4 together, before fees and with them. -#}
{% macro get_in_columns() -%}
{{ return([
    'min_price_1ticket', 'min_price_2tickets', 'min_price_4tickets',
    'min_all_in_price_1ticket', 'min_all_in_price_2tickets', 'min_all_in_price_4tickets',
]) }}
{%- endmacro %}


{#- The lowest get-in price for one, two or four, in a basis. -#}
{% macro cheapest(hours, basis) -%}
case {{ basis }}
    when 'all_in' then least(
        {{ hours }}.min_all_in_price_1ticket, {{ hours }}.min_all_in_price_2tickets, {{ hours }}.min_all_in_price_4tickets
    )
    else least({{ hours }}.min_price_1ticket, {{ hours }}.min_price_2tickets, {{ hours }}.min_price_4tickets)
end
{%- endmacro %}
