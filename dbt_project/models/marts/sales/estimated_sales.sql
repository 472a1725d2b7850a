with judged as (
    select
        departures.event_id,
        departures.zone,
        departures.hour,
        departures.tickets,
        departures.price,
        departures.confidence,
        {{ final_verdict() }} as verdict
    from {{ ref('listing_departures') }} as departures
    inner join {{ ref('stg_market__events') }} as events on departures.event_id = events.id
)

select
    event_id,
    zone,
    hour,
    count(*) filter (where verdict = 'sold')::integer as sales,
    coalesce(sum(tickets) filter (where verdict = 'sold'), 0)::integer as sold_tickets,
    coalesce(sum(tickets * price) filter (where verdict = 'sold'), 0)::numeric(14, 2) as sold_value,
    round(
        (percentile_cont(0.5) within group (order by price) filter (where verdict = 'sold'))::numeric, 2
    )::numeric(10, 2) as median_sold_price,
    round(avg(confidence) filter (where verdict = 'sold'), 2)::numeric(3, 2) as avg_confidence,
    count(*) filter (where verdict = 'withdrawn')::integer as withdrawn,
    coalesce(sum(tickets) filter (where verdict = 'withdrawn'), 0)::integer as withdrawn_tickets,
    count(*) filter (where verdict in ('relisted', 'split'))::integer as relisted,
    count(*) filter (where verdict = 'came back')::integer as came_back,
    count(*) filter (where verdict = 'open')::integer as open
from judged
group by event_id, zone, hour
