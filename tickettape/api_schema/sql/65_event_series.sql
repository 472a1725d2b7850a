-- What the listing history knows of an event, by hour or day: get-in prices, distribution, changes, sales, days on market.
--
-- Each function has the same arguments, order and pages as the three analytics. With `fill`, hours or days without a row
-- have one: counts are 0 where the listings are known, and everything else is null.

create type api.get_in_price as (
    "timestamp" timestamptz, zone text, observed boolean, price_1 numeric(10, 2), price_2 numeric(10, 2),
    price_4 numeric(10, 2), all_in_price_1 numeric(10, 2), all_in_price_2 numeric(10, 2),
    all_in_price_4 numeric(10, 2));
create type api.price_quartiles as (
    "timestamp" timestamptz, zone text, observed boolean, total_listings integer, total_tickets integer,
    min_price numeric(10, 2), lower_quartile_price numeric(10, 2), median_price numeric(10, 2),
    upper_quartile_price numeric(10, 2), max_price numeric(10, 2));
create type api.inventory_change as (
    "timestamp" timestamptz, zone text, observed boolean, appeared integer, appeared_tickets integer,
    repriced_up integer, repriced_down integer, shrank integer, shrank_tickets integer, grew integer, moved integer,
    went integer, went_tickets integer);
create type api.estimated_sale as (
    "timestamp" timestamptz, zone text, observed boolean, sales integer, sold_tickets integer,
    sold_value numeric(12, 2), median_sold_price numeric(10, 2), avg_confidence numeric(3, 2), withdrawn integer,
    withdrawn_tickets integer, relisted integer, came_back integer, open integer, sales_low integer,
    sales_mid numeric(12, 2), sales_high integer, sold_tickets_low integer, sold_tickets_mid numeric(12, 2),
    sold_tickets_high integer);
create type api.market_days as (
    "timestamp" timestamptz, zone text, observed boolean, verdict text, listings integer, min_days numeric(8, 2),
    median_days numeric(8, 2), max_days numeric(8, 2));

-- The bucket and the hours of a question. A day is asked for whole; a page begins at its cursor; and with
-- `fill` a page needs only so many buckets, however long the range is.
create function api_parts.hours_asked(
    granularity text, start_date timestamptz, end_date timestamptz, fill boolean, zones integer,
    after_timestamp timestamptz, max_rows integer,
    out bucket interval, out first timestamptz, out last timestamptz, out most integer
) language plpgsql stable as $$
begin
    most := coalesce(max_rows, api_parts.row_cap() + 1);
    bucket := ('1 ' || api.granularity(granularity, start_date, end_date))::interval;
    first := api_parts.first_of_page(start_date, after_timestamp);
    last := end_date;
    if bucket = interval '1 day' then
        first := date_bin(bucket, first, timestamptz '2000-01-01 00:00Z');
        last := date_bin(bucket, last, timestamptz '2000-01-01 00:00Z') + interval '1 day' - interval '1 microsecond';
    end if;
    if fill then
        last := least(last, first + (most / greatest(zones, 1) + 2) * bucket);
    end if;
end $$;

-- The buckets of a range: whether the event was observed, and whether its listings are known then.
create function api_parts.buckets(bucket interval, event_id uuid, first timestamptz, last timestamptz)
returns table (moment timestamptz, observed boolean, listed boolean) language sql stable as $$
    select
        series.moment,
        case
            when $1 = interval '1 hour' then series.moment in (
                select seen.hour from analytics.event_hours as seen
                where seen.event_id = $2 and seen.hour >= $3 and seen.hour <= $4 and seen.ok_captures > 0)
            else (series.moment at time zone 'UTC')::date in (
                select seen.date from analytics.event_days as seen
                where seen.event_id = $2 and seen.observed_hours > 0)
        end,
        series.moment in (
            select date_bin($1, known.hour, timestamptz '2000-01-01 00:00Z')
            from analytics.price_distribution as known
            where known.event_id = $2 and known.hour >= $3 and known.hour <= $4)
    from generate_series(
        date_bin($1, $3 + $1 - interval '1 microsecond', timestamptz '2000-01-01 00:00Z'), least($4, now()), $1
    ) as series (moment)
$$;

-- What `fill` adds to the rows of zones: every bucket of every zone, with `nothing` for its counts.
create function api_parts.zone_buckets(
    bucket interval, event_id uuid, first timestamptz, last timestamptz, zones text[], fill boolean
) returns table (moment timestamptz, zone text, observed boolean, nothing integer) language sql stable as $$
    select buckets.moment, names.name, buckets.observed, case when buckets.listed then 0 end
    from api_parts.buckets($1, $2, $3, $4) as buckets
    cross join unnest($5) as names (name)
    where $6
$$;

create function api.get_in(
    event_id uuid, zone text default null, start_date timestamptz default now() - interval '7 days',
    end_date timestamptz default now(), granularity text default 'auto', fill boolean default false,
    after_timestamp timestamptz default null, after_zone text default null, max_rows integer default null
) returns setof api.get_in_price language plpgsql stable as $$
#variable_conflict use_variable
declare
    zones constant text[] := api_parts.zones_asked(event_id, zone, start_date, end_date, max_rows);
    asked constant record := api_parts.hours_asked(
        granularity, start_date, end_date, fill, 1, after_timestamp, max_rows);
    returned bigint;
begin
    return query
    with hours as (
        select
            zoned.hour, zoned.min_price_1ticket as p1, zoned.min_price_2tickets as p2, zoned.min_price_4tickets as p4,
            zoned.min_all_in_price_1ticket as a1, zoned.min_all_in_price_2tickets as a2,
            zoned.min_all_in_price_4tickets as a4
        from analytics.price_distribution as zoned
        where zone is not null and zoned.event_id = event_id and zoned.zone = any(zones)
            and zoned.hour >= asked.first and zoned.hour <= asked.last
        union all
        select
            whole.hour, whole.min_price_1ticket, whole.min_price_2tickets, whole.min_price_4tickets,
            whole.min_all_in_price_1ticket, whole.min_all_in_price_2tickets, whole.min_all_in_price_4tickets
        from analytics.get_in_hours as whole
        where zone is null and whole.event_id = event_id and whole.total_listings > 0
            and whole.hour >= asked.first and whole.hour <= asked.last
    ),

    priced as materialized (
        select
            date_bin(asked.bucket, hours.hour, timestamptz '2000-01-01 00:00Z') as moment, min(hours.p1) as p1,
            min(hours.p2) as p2, min(hours.p4) as p4, min(hours.a1) as a1, min(hours.a2) as a2, min(hours.a4) as a4
        from hours
        group by 1
    )

    select points.moment, zone, points.observed, points.p1::numeric(10, 2), points.p2::numeric(10, 2),
        points.p4::numeric(10, 2), points.a1::numeric(10, 2), points.a2::numeric(10, 2), points.a4::numeric(10, 2)
    from (
        select priced.moment, true as observed, priced.p1, priced.p2, priced.p4, priced.a1, priced.a2, priced.a4
        from priced
        union all
        select buckets.moment, buckets.observed, null, null, null, null, null, null
        from api_parts.buckets(asked.bucket, event_id, asked.first, asked.last) as buckets
        where fill and buckets.moment not in (select priced.moment from priced)
    ) as points
    where after_timestamp is null or points.moment > after_timestamp
    order by points.moment limit asked.most;
    get diagnostics returned = row_count;
    perform api_parts.check_whole_series(returned, max_rows);
end $$;
comment on function api.get_in is
    'The lowest price of exactly 1, 2 and 4 together in an event or one of its zones, before fees and all-in; by day, that of the day';

create function api.price_distribution(
    event_id uuid, zone text default null, start_date timestamptz default now() - interval '7 days',
    end_date timestamptz default now(), granularity text default 'auto', fill boolean default false,
    after_timestamp timestamptz default null, after_zone text default null, max_rows integer default null
) returns setof api.price_quartiles language plpgsql stable as $$
#variable_conflict use_variable
declare
    zones constant text[] := api_parts.zones_asked(event_id, zone, start_date, end_date, max_rows);
    asked constant record := api_parts.hours_asked(
        granularity, start_date, end_date, fill, cardinality(zones), after_timestamp, max_rows);
    returned bigint;
begin
    return query
    with spread as materialized (
        select distinct on (moments.moment, hours.zone)
            moments.moment, hours.zone as of_zone, hours.total_listings, hours.total_tickets, hours.min_price,
            hours.lower_quartile_price, hours.median_price, hours.upper_quartile_price, hours.max_price
        from analytics.price_distribution as hours
        cross join lateral (
            select date_bin(asked.bucket, hours.hour, timestamptz '2000-01-01 00:00Z') as moment) as moments
        where hours.event_id = event_id and hours.zone = any(zones) and hours.hour >= asked.first
            and hours.hour <= asked.last
        order by moments.moment, hours.zone, hours.hour desc
    )

    select *
    from (
        select spread.moment, spread.of_zone, true, spread.total_listings, spread.total_tickets, spread.min_price,
            spread.lower_quartile_price, spread.median_price, spread.upper_quartile_price, spread.max_price
        from spread
        union all
        select added.moment, added.zone, added.observed, added.nothing, added.nothing, null::numeric(10, 2),
            null::numeric(10, 2), null::numeric(10, 2), null::numeric(10, 2), null::numeric(10, 2)
        from api_parts.zone_buckets(asked.bucket, event_id, asked.first, asked.last, zones, fill) as added
        where (added.moment, added.zone) not in (select spread.moment, spread.of_zone from spread)
    ) as points
    where after_timestamp is null or (points.moment, points.of_zone) > (after_timestamp, after_zone)
    order by points.moment, points.of_zone limit asked.most;
    get diagnostics returned = row_count;
    perform api_parts.check_whole_series(returned, max_rows);
end $$;
comment on function api.price_distribution(
    uuid, text, timestamptz, timestamptz, text, boolean, timestamptz, text, integer) is
    'Lowest price, quartiles, median and highest price of a zone''s listings at the hour''s last ok capture, before fees; by day, those of the last hour with listings';

create function api.inventory_changes(
    event_id uuid, zone text default null, start_date timestamptz default now() - interval '7 days',
    end_date timestamptz default now(), granularity text default 'auto', fill boolean default false,
    after_timestamp timestamptz default null, after_zone text default null, max_rows integer default null
) returns setof api.inventory_change language plpgsql stable as $$
#variable_conflict use_variable
declare
    zones constant text[] := api_parts.zones_asked(event_id, zone, start_date, end_date, max_rows);
    asked constant record := api_parts.hours_asked(
        granularity, start_date, end_date, fill, cardinality(zones), after_timestamp, max_rows);
    returned bigint;
begin
    return query
    with changes as materialized (
        select
            date_bin(asked.bucket, hours.hour, timestamptz '2000-01-01 00:00Z') as moment, hours.zone as of_zone,
            sum(hours.appeared)::integer as appeared, sum(hours.appeared_tickets)::integer as appeared_tickets,
            sum(hours.repriced_up)::integer as repriced_up, sum(hours.repriced_down)::integer as repriced_down,
            sum(hours.shrank)::integer as shrank, sum(hours.shrank_tickets)::integer as shrank_tickets,
            sum(hours.grew)::integer as grew, sum(hours.moved)::integer as moved, sum(hours.went)::integer as went,
            sum(hours.went_tickets)::integer as went_tickets
        from analytics.inventory_changes as hours
        where hours.event_id = event_id and hours.zone = any(zones) and hours.hour >= asked.first
            and hours.hour <= asked.last
        group by 1, 2
    )

    select *
    from (
        select changes.moment, changes.of_zone, true, changes.appeared, changes.appeared_tickets, changes.repriced_up,
            changes.repriced_down, changes.shrank, changes.shrank_tickets, changes.grew, changes.moved, changes.went,
            changes.went_tickets
        from changes
        union all
        select added.moment, added.zone, added.observed, added.nothing, added.nothing, added.nothing,
            added.nothing, added.nothing, added.nothing, added.nothing, added.nothing, added.nothing,
            added.nothing
        from api_parts.zone_buckets(asked.bucket, event_id, asked.first, asked.last, zones, fill) as added
        where (added.moment, added.zone) not in (select changes.moment, changes.of_zone from changes)
    ) as points
    where after_timestamp is null or (points.moment, points.of_zone) > (after_timestamp, after_zone)
    order by points.moment, points.of_zone limit asked.most;
    get diagnostics returned = row_count;
    perform api_parts.check_whole_series(returned, max_rows);
end $$;
comment on function api.inventory_changes(
    uuid, text, timestamptz, timestamptz, text, boolean, timestamptz, text, integer) is
    'How many listings of a zone appeared, were repriced, shrank, grew, moved or went in an hour or on a day';

-- What became of a departed listing, as in the table estimated_sales: what goes in the last two hours before an event was
-- taken down with the rest. A test compares the two.
create function api_parts.final_verdict(verdict text, what text, at timestamptz, event_date timestamptz) returns text
language sql immutable as $$
    select case when $1 = 'sold' and $2 = 'went' and $3 >= $4 - interval '2 hours' then 'withdrawn' else $1 end
$$;

-- From this probability on, a departure counts in the low estimate, as in the table estimated_sales.
create function api_parts.nearly_sure() returns numeric language sql immutable as $$ select 0.8 $$;

create function api.estimated_sales(
    event_id uuid, zone text default null, start_date timestamptz default now() - interval '7 days',
    end_date timestamptz default now(), granularity text default 'auto', fill boolean default false,
    after_timestamp timestamptz default null, after_zone text default null, max_rows integer default null
) returns setof api.estimated_sale language plpgsql stable as $$
#variable_conflict use_variable
declare
    zones constant text[] := api_parts.zones_asked(event_id, zone, start_date, end_date, max_rows);
    asked constant record := api_parts.hours_asked(
        granularity, start_date, end_date, fill, cardinality(zones), after_timestamp, max_rows);
    returned bigint;
begin
    return query
    with judged as (
        -- from the departures, because the medians of the table's hours cannot be added up to days
        select
            date_bin(asked.bucket, departures.hour, timestamptz '2000-01-01 00:00Z') as moment,
            departures.zone as of_zone, departures.tickets, departures.price, departures.confidence,
            api_parts.final_verdict(
                departures.verdict, departures.what, departures."timestamp", events.date) as verdict
        from analytics.listing_departures as departures
        inner join market.events on events.id = departures.event_id
        where departures.event_id = event_id and departures.zone = any(zones) and departures.hour >= asked.first
            and departures.hour <= asked.last
    ),

    sales as materialized (
        select
            judged.moment, judged.of_zone,
            count(*) filter (where judged.verdict = 'sold')::integer as sales,
            coalesce(sum(judged.tickets) filter (where judged.verdict = 'sold'), 0)::integer as sold_tickets,
            coalesce(sum(judged.tickets * judged.price) filter (where judged.verdict = 'sold'), 0)::numeric(12, 2)
                as sold_value,
            round((percentile_cont(0.5) within group (order by judged.price)
                filter (where judged.verdict = 'sold'))::numeric, 2)::numeric(10, 2) as median_sold_price,
            round(avg(judged.confidence) filter (where judged.verdict = 'sold'), 2)::numeric(3, 2) as avg_confidence,
            count(*) filter (where judged.verdict = 'withdrawn')::integer as withdrawn,
            coalesce(sum(judged.tickets) filter (where judged.verdict = 'withdrawn'), 0)::integer
                as withdrawn_tickets,
            count(*) filter (where judged.verdict in ('relisted', 'split'))::integer as relisted,
            count(*) filter (where judged.verdict = 'came back')::integer as came_back,
            count(*) filter (where judged.verdict = 'open')::integer as open
        from judged
        group by 1, 2
    ),

    ranges as materialized (
        select
            date_bin(asked.bucket, chances.hour, timestamptz '2000-01-01 00:00Z') as moment, chances.zone as of_zone,
            count(*) filter (where chances.sale_probability >= api_parts.nearly_sure()) as sales_low,
            sum(chances.sale_probability) as sales_mid, count(*) as sales_high,
            sum(chances.tickets) filter (where chances.sale_probability >= api_parts.nearly_sure()) as tickets_low,
            sum(chances.tickets * chances.sale_probability) as tickets_mid, sum(chances.tickets) as tickets_high
        from api.sale_probabilities as chances
        where chances.event_id = event_id and chances.zone = any(zones) and chances.hour >= asked.first
            and chances.hour <= asked.last
        group by 1, 2
    )

    select *
    from (
        select sales.moment, sales.of_zone, true, sales.sales, sales.sold_tickets, sales.sold_value,
            sales.median_sold_price, sales.avg_confidence, sales.withdrawn, sales.withdrawn_tickets, sales.relisted,
            sales.came_back, sales.open, coalesce(ranges.sales_low, 0)::integer,
            coalesce(ranges.sales_mid, 0)::numeric(12, 2), coalesce(ranges.sales_high, 0)::integer,
            coalesce(ranges.tickets_low, 0)::integer, coalesce(ranges.tickets_mid, 0)::numeric(12, 2),
            coalesce(ranges.tickets_high, 0)::integer
        from sales
        left join ranges on sales.moment = ranges.moment and sales.of_zone = ranges.of_zone
        union all
        select added.moment, added.zone, added.observed, added.nothing, added.nothing, added.nothing::numeric(12, 2),
            null::numeric(10, 2), null::numeric(3, 2), added.nothing, added.nothing, added.nothing, added.nothing,
            added.nothing, added.nothing, added.nothing::numeric(12, 2), added.nothing, added.nothing,
            added.nothing::numeric(12, 2), added.nothing
        from api_parts.zone_buckets(asked.bucket, event_id, asked.first, asked.last, zones, fill) as added
        where (added.moment, added.zone) not in (select sales.moment, sales.of_zone from sales)
    ) as points
    where after_timestamp is null or (points.moment, points.of_zone) > (after_timestamp, after_zone)
    order by points.moment, points.of_zone limit asked.most;
    get diagnostics returned = row_count;
    perform api_parts.check_whole_series(returned, max_rows);
end $$;
comment on function api.estimated_sales(
    uuid, text, timestamptz, timestamptz, text, boolean, timestamptz, text, integer) is
    'What was probably sold or withdrawn in a zone, in an hour or on a day: our judgement, with its confidence, and the sales that are nearly sure (low), expected (mid) and possible (high), calibrated on simulated worlds';

create function api.days_on_market(
    event_id uuid, zone text default null, start_date timestamptz default now() - interval '7 days',
    end_date timestamptz default now(), verdict text default 'sold',
    after_timestamp timestamptz default null, after_zone text default null, max_rows integer default null
) returns setof api.market_days language plpgsql stable as $$
#variable_conflict use_variable
declare
    zones constant text[] := api_parts.zones_asked(event_id, zone, start_date, end_date, max_rows);
    asked constant record := api_parts.hours_asked(
        'day', start_date, end_date, false, cardinality(zones), after_timestamp, max_rows);
    returned bigint;
begin
    if verdict not in ('sold', 'withdrawn', 'relisted', 'split', 'open') then
        raise sqlstate 'PT422' using message = format('verdict is %L.', verdict),
            hint = 'It is sold, withdrawn, relisted, split or open.';
    end if;
    return query
    select days.moment, days.of_zone, true, verdict, days.listings, days.min_days, days.median_days, days.max_days
    from (
        select
            date_bin('1 day', departures.hour, timestamptz '2000-01-01 00:00Z') as moment, departures.zone as of_zone,
            count(*)::integer as listings, round(min(spans.days), 2)::numeric(8, 2) as min_days,
            round((percentile_cont(0.5) within group (order by spans.days))::numeric, 2)::numeric(8, 2) as median_days,
            round(max(spans.days), 2)::numeric(8, 2) as max_days
        from analytics.listing_departures as departures
        cross join lateral (
            select extract(epoch from departures."timestamp" - departures.first_seen_at) / 86400 as days) as spans
        where departures.event_id = event_id and departures.zone = any(zones) and departures.hour >= asked.first
            and departures.hour <= asked.last and departures.what = 'went' and departures.verdict = verdict
        group by 1, 2
    ) as days
    where after_timestamp is null or (days.moment, days.of_zone) > (after_timestamp, after_zone)
    order by days.moment, days.of_zone limit asked.most;
    get diagnostics returned = row_count;
    perform api_parts.check_whole_series(returned, max_rows);
end $$;
comment on function api.days_on_market(
    uuid, text, timestamptz, timestamptz, text, timestamptz, text, integer) is
    'How many days the listings of a zone that went on a day had been for sale; verdict: only those that were, in our judgement, sold, withdrawn, relisted or split';
