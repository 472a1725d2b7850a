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
),

hours as (
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
),

-- grouped by what it is joined on: a query of all events that reads none of its columns does not compute it
ranges as (
    select
        event_id,
        zone,
        hour,
        count(*) filter (where sale_probability >= {{ nearly_sure() }}) as sales_low,
        sum(sale_probability) as sales_mid,
        count(*) as sales_high,
        sum(tickets) filter (where sale_probability >= {{ nearly_sure() }}) as sold_tickets_low,
        sum(tickets * sale_probability) as sold_tickets_mid,
        sum(tickets) as sold_tickets_high
    from {{ ref('sale_probabilities') }}
    group by event_id, zone, hour
)

select
    hours.event_id,
    hours.zone,
    hours.hour,
    hours.sales,
    hours.sold_tickets,
    hours.sold_value,
    hours.median_sold_price,
    hours.avg_confidence,
    hours.withdrawn,
    hours.withdrawn_tickets,
    hours.relisted,
    hours.came_back,
    hours.open,
    coalesce(ranges.sales_low, 0)::integer as sales_low,
    coalesce(ranges.sales_mid, 0)::numeric(12, 2) as sales_mid,
    coalesce(ranges.sales_high, 0)::integer as sales_high,
    coalesce(ranges.sold_tickets_low, 0)::integer as sold_tickets_low,
    coalesce(ranges.sold_tickets_mid, 0)::numeric(12, 2) as sold_tickets_mid,
    coalesce(ranges.sold_tickets_high, 0)::integer as sold_tickets_high,
    'simulated worlds'::text as calibrated_on
from hours
left join ranges on hours.event_id = ranges.event_id and hours.zone = ranges.zone and hours.hour = ranges.hour
