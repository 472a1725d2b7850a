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


{#- From this probability on, a departure counts in the low estimate of sales. -#}
{% macro nearly_sure() -%}
0.8
{%- endmacro %}
