{#-
  A zone's mean price against its own last day, on a logarithmic scale, where twice as dear is as far as half as dear.
  Median and MAD (median absolute deviation) are not moved by the outliers they are to find; 1.4826 makes the MAD a
  standard deviation for normal data. The floor of 5 % keeps a calm zone from warning at every dollar.
-#}
{%- set z_score = 8 %}
{%- set floor = 0.05 %}
{%- set enough_listings = 5 %}
{%- set enough_hours = 6 %}
with hours as (
    select event_id, zone, hour, avg_price, ln(avg_price) as price
    from {{ ref('aggregated_analytics') }}
    where hour >= market.anomalies_since() - interval '24 hours'
        -- the mean of a few listings jumps whenever one is sold
        and listings_seen >= {{ enough_listings }} * capture_count
),

before as (
    select tried.event_id, tried.zone, tried.hour, tried.price as tried_price, tried.avg_price, earlier.price
    from hours as tried
    inner join hours as earlier
        on tried.event_id = earlier.event_id
        and tried.zone = earlier.zone
        and earlier.hour >= tried.hour - interval '24 hours'
        and earlier.hour < tried.hour
    where tried.hour >= market.anomalies_since()
),

usual as (
    select event_id, zone, hour, percentile_cont(0.5) within group (order by price) as median
    from before
    group by event_id, zone, hour
    having count(*) >= {{ enough_hours }}
),

scores as (
    select
        before.event_id,
        before.zone,
        before.hour,
        before.avg_price,
        exp(usual.median)::numeric(10, 2) as usual_price,
        abs(before.tried_price - usual.median) / greatest(
            1.4826 * percentile_cont(0.5) within group (order by abs(before.price - usual.median)), {{ floor }}
        ) as robust_z_score
    from before
    inner join usual
        on before.event_id = usual.event_id and before.zone = usual.zone and before.hour = usual.hour
    group by before.event_id, before.zone, before.hour, before.avg_price, before.tried_price, usual.median
)

select event_id, zone, hour, avg_price, usual_price, round(robust_z_score::numeric, 1) as robust_z_score
from scores
where robust_z_score > {{ z_score }}
order by robust_z_score desc
