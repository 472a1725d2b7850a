with matched as not materialized (
    -- who is which event is said by the links between events, never guessed here
    select
        events.id as event_id,
        sold.event_id as box_office_event_id,
        sold.currency,
        events.currency = sold.currency as comparable
    from {{ ref('stg_box_office__reported_events') }} as sold
    inner join {{ ref('stg_market__event_sides') }} as own
        on own.source = 'box_office' and own.external_id = sold.event_id::text
    inner join {{ ref('stg_market__event_sides') }} as sides on own.catalogue_event_id = sides.catalogue_event_id
    inner join {{ ref('stg_market__events') }} as events on sides.event_key = events.event_key
),

zones as not materialized (
    select distinct event_id, zone
    from {{ ref('daily_analytics') }}
),

places as not materialized (
    -- a tier or a section is the zone that a person named, or else the one of the same name
    select
        matched.event_id,
        matched.box_office_event_id,
        offered.tier_id,
        offered.section,
        offered.lowest_face_value,
        offered.house,
        zones.zone
    from matched
    inner join {{ ref('stg_box_office__reported_places') }} as offered
        on matched.box_office_event_id = offered.event_id
    left join {{ ref('stg_box_office__zone_links') }} as named
        on offered.event_id = named.event_id and coalesce(offered.section, offered.tier) = named.place
    left join zones
        on
            matched.event_id = zones.event_id
            and lower(zones.zone) = lower(
                case when named.event_id is null then coalesce(offered.section, offered.tier) else named.zone end
            )
),

-- of the whole event (without a zone), and of each zone that is matched
houses as (
    select
        event_id,
        box_office_event_id,
        zone,
        sum(house) as house,
        min(lowest_face_value) as lowest_face_value,
        array_agg(tier_id) as tier_ids,
        array_agg(section) as sections
    from places
    where zone is not null
    group by event_id, box_office_event_id, zone
    union all
    select
        event_id,
        box_office_event_id,
        null as zone,
        sum(house) as house,
        min(lowest_face_value) as lowest_face_value,
        null as tier_ids,
        null as sections
    from places
    group by event_id, box_office_event_id
),

resale as (
    select
        event_id,
        zone,
        date,
        daily_min_price as get_in_price,
        avg_tickets as listed_tickets
    from {{ ref('daily_analytics') }}
    union all
    select
        event_id,
        null as zone,
        date,
        min(daily_min_price) as get_in_price,
        sum(avg_tickets) as listed_tickets
    from {{ ref('daily_analytics') }}
    group by event_id, date
),

days as (
    select
        matched.event_id,
        matched.box_office_event_id,
        matched.currency,
        matched.comparable,
        houses.zone,
        houses.house,
        houses.lowest_face_value,
        houses.tier_ids,
        houses.sections,
        resale.date,
        resale.date::timestamp at time zone 'UTC' as day_start,
        (resale.date + 1)::timestamp at time zone 'UTC' as day_end,
        resale.get_in_price,
        resale.listed_tickets
    from matched
    inner join houses
        on matched.event_id = houses.event_id and matched.box_office_event_id = houses.box_office_event_id
    inner join resale on houses.event_id = resale.event_id and houses.zone is not distinct from resale.zone
),

compared as (
    select
        days.*,
        sold.tickets_sold,
        sold.face_value,
        medians.median_price,
        estimated.estimated_sales
    from days
    left join lateral (
        select
            sum(sales.tickets_sold - sales.tickets_returned) as tickets_sold,
            sum(sales.gross - sales.refunds)
            / nullif(sum(sales.tickets_sold - sales.tickets_returned), 0) as face_value
        from {{ ref('sales_by_hour') }} as sales
        where sales.event_id = days.box_office_event_id and sales.hour < days.day_end
            and (days.zone is null or sales.tier_id = any(days.tier_ids) or sales.section = any(days.sections))
    ) as sold on true
    left join lateral (
        -- of several zones, the median of the zone in which half of the listings are reached, from the cheapest on
        select percentile_disc(0.5) within group (order by hours.median_price) as median_price
        from {{ ref('price_distribution') }} as hours
        cross join generate_series(1, hours.total_listings)
        where hours.event_id = days.event_id and (days.zone is null or hours.zone = days.zone)
            and hours.hour = (
                select max(last_hour.hour)
                from {{ ref('price_distribution') }} as last_hour
                where last_hour.event_id = days.event_id
                    and last_hour.hour >= days.day_start and last_hour.hour < days.day_end
                    and (days.zone is null or last_hour.zone = days.zone)
            )
    ) as medians on true
    left join lateral (
        -- not estimated_sales, which reads all departures of an event for its range
        select sum(departures.tickets) as estimated_sales
        from {{ ref('listing_departures') }} as departures
        inner join {{ ref('stg_market__events') }} as events on departures.event_id = events.id
        where departures.event_id = days.event_id
            and departures.hour >= days.day_start and departures.hour < days.day_end
            and (days.zone is null or departures.zone = days.zone)
            and {{ final_verdict() }} = 'sold'
    ) as estimated on true
)

select
    event_id,
    box_office_event_id,
    zone,
    date,
    currency,
    lowest_face_value::numeric(10, 2) as lowest_face_value,
    face_value::numeric(10, 2) as face_value,
    case when comparable then get_in_price end::numeric(10, 2) as get_in_price,
    case when comparable then median_price end::numeric(10, 2) as median_price,
    case when comparable then round(get_in_price / nullif(lowest_face_value, 0) - 1, 4) end::numeric(10, 4)
        as get_in_premium,
    case when comparable then round(median_price / nullif(face_value, 0) - 1, 4) end::numeric(10, 4) as premium,
    coalesce(tickets_sold, 0)::integer as tickets_sold,
    house::integer as house,
    listed_tickets::numeric(12, 2) as listed_tickets,
    case when house > 0 then round(listed_tickets / house, 4) end::numeric(8, 4) as listed_share,
    coalesce(estimated_sales, 0)::integer as estimated_sales
from compared
