{#- Cents (int, bigint or an exact quotient of them) as money: rounded once, half up. -#}
{% macro money(cents) -%}
round({{ cents }} / 100.0, 2)::numeric(10, 2)
{%- endmacro %}


{#-
  Σ (sum / count) / hours, to twenty digits. A third has no end: 100/3 and 1/6 over four hours are 8.375, but
  8.37499999999999999 of the quotients as Postgres cuts them, and would be rounded down.
-#}
{% macro exact_mean(sums, counts, hours) -%}
round(sum({{ sums }}::numeric(60, 30) / {{ counts }}) / {{ hours }}, 20)
{%- endmacro %}


{#-
  A quantile of the listings' prices as money. Between two prices it is interpolated; halves and quarters of cents are
  exact in double precision, and so are rounded right.
-#}
{% macro quartile(share) -%}
{{ money('(percentile_cont(' ~ share ~ ') within group (order by for_sale.price_cents))::numeric') }}
{%- endmacro %}


{#- The lowest price of a listing that sells exactly so many, as money. -#}
{% macro lowest_of(cents, tickets) -%}
{{ money('min(for_sale.' ~ cents ~ ') filter (where ' ~ tickets ~ ' = any (for_sale.buyable))') }}
{%- endmacro %}
