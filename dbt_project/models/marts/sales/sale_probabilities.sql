{%- set table = sale_points() %}
{%- set parts = 0.9 %}
-- Read by event: every window is within one event, so that a condition on event_id reads the rows of that event only.
with points (pull_class, batches_class, base, of_rank, of_crowd, of_hour, of_days) as (
    values
    {%- for class in table.classes %}
    (
        {{ loop.index0 // (table.edges.batches | length + 1) }},
        {{ loop.index0 % (table.edges.batches | length + 1) }},
        {{ class.base }}::double precision,
        {{ numbers(class.rank) }},
        {{ numbers(class.crowd) }},
        {{ numbers(class.hour) }},
        {{ numbers(class.days) }}
    ){{ ',' if not loop.last }}
    {%- endfor %}
),

gone as (
    -- whole listings that went, also those that were relisted: they went together with the others
    select
        departures.event_id,
        departures.listing_id,
        departures.timestamp,
        departures.hour,
        departures.zone,
        departures.tickets,
        departures.price,
        {{ final_verdict() }} as verdict,
        (departures.hour at time zone 'UTC')::date as date,
        extract(hour from departures.timestamp at time zone events.venue_time_zone)::double precision as local_hour,
        extract(epoch from events.date - departures.timestamp)::double precision / 86400 as days_to_event,
        count(*) over (partition by departures.event_id, departures.hour, departures.timestamp) as went_together,
        count(*) over (
            partition by departures.event_id, (departures.hour at time zone 'UTC')::date
        ) as went_in_day
    from {{ ref('listing_departures') }} as departures
    inner join {{ ref('stg_market__events') }} as events on departures.event_id = events.id
    where departures.what = 'went' and departures.verdict != 'came back'
),

traced as (
    select
        gone.*,
        gone.verdict in ('sold', 'open') as may_be_sold,
        -- beside those that would go at one tick if the day's departures were spread evenly
        gone.went_together / (1 + gone.went_in_day / nullif(days.ok_captures, 0)::double precision) as crowd,
        -- the place among the prices that the zone had at the end of the hour: 0 to 1
        case
            when prices.max_price is null then null
            when gone.price <= prices.min_price then 0
            {%- for low, high in [
                ('min', 'lower_quartile'), ('lower_quartile', 'median'), ('median', 'upper_quartile'),
                ('upper_quartile', 'max'),
            ] %}
            when gone.price <= prices.{{ high }}_price
                then ({{ loop.index0 }} + (gone.price - prices.{{ low }}_price) / nullif(
                    prices.{{ high }}_price - prices.{{ low }}_price, 0
                )) / 4
            {%- endfor %}
            else 1
        end::double precision as price_rank
    from gone
    left join {{ ref('event_days') }} as days on gone.event_id = days.event_id and gone.date = days.date
    left join {{ ref('price_distribution') }} as prices
        on gone.event_id = prices.event_id and gone.zone = prices.zone and gone.hour = prices.hour
),

of_events as (
    -- how far the event's departures are cheaper than what stays, and how often several go together
    select
        traced.*,
        sum(0.5 - traced.price_rank) filter (where traced.may_be_sold) over (partition by traced.event_id)
        / (count(traced.price_rank) filter (where traced.may_be_sold) over (partition by traced.event_id)
            + {{ table.shrunk_by }}) as pull,
        count(*) filter (where traced.may_be_sold and traced.crowd >= {{ table.crowded }})
            over (partition by traced.event_id)
        / (count(*) filter (where traced.may_be_sold) over (partition by traced.event_id)
            + {{ table.shrunk_by }})::double precision as batches
    from traced
),

scored as (
    select
        of_events.*,
        points.base
        -- a trace that is not known says nothing
        + coalesce(points.of_rank[1 + {{ class_of('of_events.price_rank', table.edges.rank) }}], 0)
        + coalesce(points.of_crowd[1 + {{ class_of('of_events.crowd', table.edges.crowd) }}], 0)
        + coalesce(points.of_hour[1 + {{ class_of('of_events.local_hour', table.edges.hour) }}], 0)
        + coalesce(points.of_days[1 + {{ class_of('of_events.days_to_event', table.edges.days) }}], 0) as score
    from of_events
    inner join points
        on points.pull_class = {{ class_of('coalesce(of_events.pull, 0)', table.edges.pull) }}
        and points.batches_class = {{ class_of('of_events.batches', table.edges.batches) }}
    where of_events.may_be_sold
),

parts as (
    select
        departures.event_id,
        departures.listing_id,
        departures.timestamp,
        departures.hour,
        departures.zone,
        departures.tickets,
        departures.price,
        departures.verdict
    from {{ ref('listing_departures') }} as departures
    where departures.what = 'shrank' and departures.verdict in ('sold', 'open')
)

select
    event_id,
    listing_id,
    timestamp,
    hour,
    zone,
    'went' as what,
    verdict,
    tickets,
    price,
    round(price_rank::numeric, 2)::numeric(3, 2) as price_rank,
    went_together::integer as went_together,
    round((1 / (1 + exp(-score)))::numeric, 3)::numeric(4, 3) as sale_probability,
    {{ table.version }}::integer as table_version
from scored
union all
select
    event_id,
    listing_id,
    timestamp,
    hour,
    zone,
    'shrank' as what,
    verdict,
    tickets,
    price,
    null as price_rank,
    null as went_together,
    {{ parts }}::numeric(4, 3) as sale_probability,
    {{ table.version }}::integer as table_version
from parts
