{#-
  The end of every oracle: the rows that `direct` (recomputed from the facts) and `rollup` do not share. A bucket that
  a mark is waiting for is not wrong, it is not computed yet; the same snapshot shows the change and its mark.
-#}
{% macro differences(bucket, marked=['event_hours', 'aggregated_analytics']) -%}
{{ different_rows() }}

select different.*
from different
inner join {{ source('market', 'events') }} as events on different.event_id = events.id
where not exists (
    select from {{ source('market', 'dirty_buckets') }} as marks
    where marks.event_key = events.event_key
        {%- if bucket == 'hour' %}
        and marks.rollup in ({{ "'" ~ marked | join("', '") ~ "'" }})
        and marks.bucket = different.hour
        {%- elif bucket == 'day' %}
        and marks.rollup != 'latest_prices'
        and marks.bucket >= different.date::timestamp at time zone 'UTC'
        and marks.bucket < (different.date + 1)::timestamp at time zone 'UTC'
        {%- endif %}
)
{%- if bucket == 'hour' %}
-- a restored month may have its facts back and not its hours
and not exists (
    select from {{ source('market', 'cold_hours') }} as cold
    where cold.month = date_trunc('month', different.hour, 'UTC') at time zone 'UTC' and cold.deleted_at is not null
)
{%- endif %}
{%- endmacro %}


{#- The rows that `direct` and `rollup` do not share. -#}
{% macro different_rows() -%}
different as (
    select 'the facts say' as which, missing.*
    from (select * from direct except select * from rollup) as missing
    union all
    select 'the rollup says' as which, invented.*
    from (select * from rollup except select * from direct) as invented
)
{%- endmacro %}


{#- The beginning of the oracles of listings: what was for sale at each hour's last observation, from the history. -#}
{% macro offers_for_sale() -%}
changes as (
    select *, date_trunc('day', tick, 'UTC') as day, date_trunc('hour', tick, 'UTC') as hour
    from {{ source('market', 'all_listing_changes') }}
    where market.month_is_writable(tick)
),

closing as (
    select event_key, day, hour, max(tick) as tick
    from changes
    where not partial
    group by event_key, day, hour
),

-- what befell each offer in a day: it is named (with its price), its price moves, it goes
befell as (
    select
        changes.event_key,
        changes.day,
        changes.tick,
        offer.number,
        case when offer.place <= coalesce(changes.kept, 0) + changes.born then 2 else 3 end as what,
        offer.section_key,
        offer.offer_terms_key,
        offer.price,
        offer.all_in
    from changes
    cross join lateral unnest(
        changes.numbers, changes.section_keys, changes.offer_terms_keys, changes.prices_cents,
        changes.all_in_prices_cents
    ) with ordinality as offer (number, section_key, offer_terms_key, price, all_in, place)
    union all
    select
        changes.event_key,
        changes.day,
        changes.tick,
        step.number,
        1 as what,
        null as section_key,
        null as offer_terms_key,
        step.price,
        step.all_in
    from changes
    cross join lateral unnest(changes.changed, changes.price_steps, changes.all_in_steps)
        as step (number, price, all_in)
),

counted as (
    select *, count(*) filter (where what > 1) over in_order as naming, lead(tick) over in_order as until
    from befell
    window in_order as (partition by event_key, day, number order by tick, what)
),

states as (
    select
        event_key,
        day,
        tick,
        until,
        max(what) over one_naming as what,
        max(section_key) over one_naming as section_key,
        max(offer_terms_key) over one_naming as offer_terms_key,
        sum(price) over one_naming as price_cents,
        sum(all_in) over one_naming as all_in_cents
    from counted
    where naming > 0
    window one_naming as (partition by event_key, day, number, naming order by tick)
),

for_sale as (
    select
        closing.event_key,
        closing.hour,
        closing.tick,
        states.section_key,
        states.price_cents,
        nullif(states.all_in_cents, 0) as all_in_cents,
        terms.quantity,
        terms.buyable @> '{1}' as sells_1,
        terms.buyable @> '{2}' as sells_2,
        terms.buyable @> '{4}' as sells_4
    from closing
    inner join states
        on closing.event_key = states.event_key and closing.day = states.day
        and closing.tick >= states.tick and closing.tick < coalesce(states.until, 'infinity')
    inner join {{ source('market', 'offer_terms') }} as terms on states.offer_terms_key = terms.offer_terms_key
    where states.what = 2
)
{%- endmacro %}


{#- Months of the 31 days until an instant whose facts, or whose hours, are not all in the database. -#}
{% macro months_away(instant) -%}
select from {{ source('market', 'months') }} as months
        where months.month >= date_trunc('month', ({{ instant }} - interval '31 days') at time zone 'UTC')
            and months.month <= {{ instant }} at time zone 'UTC'
            and (
                months.state not in ('open', 'restored')
                or months.month in (
                    select cold.month from {{ source('market', 'cold_hours') }} as cold where cold.deleted_at is not null
                )
            )
{%- endmacro %}
