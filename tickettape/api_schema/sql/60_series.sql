-- The three analytics.

create type api.price_trend as (
    "timestamp" timestamptz, zone text, observed boolean,
    min_price numeric(10, 2), avg_price numeric(10, 2), max_price numeric(10, 2));
create type api.group_price as (
    "timestamp" timestamptz, zone text, observed boolean,
    price_1 numeric(10, 2), price_2 numeric(10, 2), price_4 numeric(10, 2));
create type api.ticket_count as (
    "timestamp" timestamptz, zone text, observed boolean,
    total_tickets integer, total_listings integer, avg_tickets numeric(12, 2), peak_tickets integer,
    min_tickets integer);

create function api.price_trends(
    event_id uuid, zone text default null, start_date timestamptz default now() - interval '7 days',
    end_date timestamptz default now(), granularity text default 'auto', basis text default 'before_fees',
    fill boolean default false,
    after_timestamp timestamptz default null, after_zone text default null, max_rows integer default null
) returns setof api.price_trend language plpgsql stable as $$
#variable_conflict use_variable
begin
    perform api_parts.check_basis(basis);
    return query
    select series."timestamp", series.zone, series.observed,
        (case basis when 'all_in' then series.min_all_in_price else series.min_price end)::numeric(10, 2),
        (case basis when 'before_fees' then series.avg_price end)::numeric(10, 2),
        (case basis when 'before_fees' then series.max_price end)::numeric(10, 2)
    from api_parts.series(
        granularity, event_id, zone, start_date, end_date, false, fill, after_timestamp, after_zone, max_rows) as series;
end $$;
comment on function api.price_trends is
    'Lowest, average and highest price of an event''s zones by hour or day. basis all_in: the lowest alone, with fees';

create function api.group_prices(
    event_id uuid, zone text default null, start_date timestamptz default now() - interval '7 days',
    end_date timestamptz default now(), granularity text default 'auto', fill boolean default false,
    after_timestamp timestamptz default null, after_zone text default null, max_rows integer default null
) returns setof api.group_price language sql stable as $$
    select series."timestamp", series.zone, series.observed,
        series.price_1::numeric(10, 2), series.price_2::numeric(10, 2), series.price_4::numeric(10, 2)
    from api_parts.series($5, $1, $2, $3, $4, false, $6, $7, $8, $9) as series
$$;
comment on function api.group_prices is
    'Lowest price per ticket for exactly one, two and four together, before fees, by hour or day';

create function api.ticket_counts(
    event_id uuid, zone text default null, start_date timestamptz default now() - interval '7 days',
    end_date timestamptz default now(), granularity text default 'auto', fill boolean default false,
    after_timestamp timestamptz default null, after_zone text default null, max_rows integer default null
) returns setof api.ticket_count language sql stable as $$
    select series."timestamp", series.zone, series.observed, series.total_tickets, series.total_listings,
        series.avg_tickets::numeric(12, 2), series.peak_tickets, series.min_tickets
    from api_parts.series($5, $1, $2, $3, $4, true, $6, $7, $8, $9) as series
$$;
comment on function api.ticket_counts is
    'Tickets and listings of an event''s zones: of the hour''s last ok capture; a sold-out zone has 0';
