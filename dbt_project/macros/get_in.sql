{#- The six get-in prices: for 1, 2 and 4 together, before fees and with them. -#}
{% macro get_in_columns() -%}
{{ return([
    'min_price_1ticket', 'min_price_2tickets', 'min_price_4tickets',
    'min_all_in_price_1ticket', 'min_all_in_price_2tickets', 'min_all_in_price_4tickets',
]) }}
{%- endmacro %}


{#-
  What became of a departed listing, with the event's date: in the two hours before an event, the marketplace takes down
  the remaining listings. `api_parts.final_verdict` says the same.
-#}
{% macro final_verdict() -%}
case
    when departures.verdict = 'sold' and departures.what = 'went'
        and departures.timestamp >= events.date - interval '2 hours' then 'withdrawn'
    else departures.verdict
end
{%- endmacro %}
