{#-
  The lowest and the highest price of a zone's hour against what half of its listings cost in its last day, the hour's own
  included: a median, which the one price that is looked for does not move. Zones whose listings nobody knows are
  compared with the median of their hourly means. Downwards ten times is enough: the cheapest of many seats in a zone
  is seldom below a third of the median. Upwards sellers do ask fifty times the usual price, and mean it.
-#}
{%- set cheaper = 10 %}
{%- set dearer = 100 %}
with hours as (
    select
        prices.event_id,
        prices.zone,
        prices.hour,
        prices.min_price,
        prices.max_price,
        coalesce(distribution.median_price, prices.avg_price) as usual_of_hour
    from {{ ref('aggregated_analytics') }} as prices
    left join {{ ref('price_distribution') }} as distribution
        on
            prices.event_id = distribution.event_id
            and prices.zone = distribution.zone
            and prices.hour = distribution.hour
    where prices.hour >= market.anomalies_since() - interval '24 hours' and prices.min_price is not null
),

usual as (
    select
        tried.event_id,
        tried.zone,
        tried.hour,
        tried.min_price,
        tried.max_price,
        (percentile_cont(0.5) within group (order by earlier.usual_of_hour))::numeric(10, 2) as usual_price
    from hours as tried
    inner join hours as earlier
        on tried.event_id = earlier.event_id
        and tried.zone = earlier.zone
        and earlier.hour >= tried.hour - interval '24 hours'
        and earlier.hour <= tried.hour
    where tried.hour >= market.anomalies_since()
    group by tried.event_id, tried.zone, tried.hour, tried.min_price, tried.max_price
)

select event_id, zone, hour, min_price, max_price, usual_price
from usual
where min_price * {{ cheaper }} < usual_price or max_price > usual_price * {{ dearer }}
order by usual_price / min_price desc
