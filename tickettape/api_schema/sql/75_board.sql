-- The board: events as rows, with what a person looks for first. And movers: the zones whose prices changed most.

create type api.board_row as (
    id uuid, source text, simulated boolean, name text, venue text, city text, venue_time_zone text, date timestamptz,
    local_date date, date_status text, category text, performer_id text, performer_name text, image_url text,
    currency text, price numeric(10, 2), change_1day numeric(10, 2), change_7days numeric(10, 2),
    change_30days numeric(10, 2), share_1day double precision, share_7days double precision, share_30days double precision,
    sparkline numeric(10, 2)[], price_1 numeric(10, 2), price_2 numeric(10, 2), price_4 numeric(10, 2),
    all_in_price_1 numeric(10, 2), all_in_price_2 numeric(10, 2), all_in_price_4 numeric(10, 2),
    total_tickets integer, total_listings integer, sold_tickets_1day integer, last_ok_at timestamptz);
create type api.mover as (
    event_id uuid, name text, venue text, date timestamptz, zone text, currency text, price numeric(10, 2),
    previous_price numeric(10, 2), change numeric(10, 2), share double precision, total_tickets integer,
    "timestamp" timestamptz);

create type api_parts.board_figures as (
    id uuid, last_ok_at timestamptz, price_1 numeric, price_2 numeric, price_4 numeric, all_in_price_1 numeric,
    all_in_price_2 numeric, all_in_price_4 numeric, price numeric, change_1day numeric, change_7days numeric,
    change_30days numeric, share_1day numeric, share_7days numeric, share_30days numeric, total_tickets integer,
    total_listings integer, sold_tickets_1day integer);

-- The price that is asked for, of six.
create function api_parts.chosen(
    tickets integer, basis text, price_1 numeric, price_2 numeric, price_4 numeric, all_in_price_1 numeric,
    all_in_price_2 numeric, all_in_price_4 numeric
) returns numeric language sql immutable as $$
    select case $2 when 'all_in' then case $1 when 1 then $6 when 2 then $7 else $8 end
        else case $1 when 1 then $3 when 2 then $4 else $5 end end
$$;

create function api_parts.check_choice(tickets integer, basis text) returns void language plpgsql stable as $$
begin
    if tickets not in (1, 2, 4) then
        raise sqlstate 'PT422' using message = format('tickets is %s.', tickets), hint = 'It is 1, 2 or 4.';
    end if;
    perform api_parts.check_basis(basis);
end $$;

-- The figures of some events. As in get_in_prices, a past price is that of the last observed hour until then, at most a
-- day older. Everything is looked up by lateral joins in one query, because a query has its policies checked once.
create function api_parts.board_figures(ids uuid[], tickets integer, basis text)
returns setof api_parts.board_figures language sql stable as $$
    with newest as materialized (
        select asked.id, seen.last_ok_at
        from unnest($1) as asked (id)
        cross join lateral (
            select days.last_ok_at from analytics.event_days as days
            where days.event_id = asked.id and days.last_ok_at is not null
            order by days.date desc limit 1
        ) as seen
    ),

    prices as materialized (
        select newest.id, ago.days, lowest.*,
            api_parts.chosen($2, $3, lowest.p1, lowest.p2, lowest.p4, lowest.a1, lowest.a2, lowest.a4) as price
        from newest
        cross join (values (0), (1), (7), (30)) as ago (days)
        cross join lateral (
            select seen.hour from analytics.event_hours as seen
            where seen.event_id = newest.id and seen.ok_captures > 0
                and seen.hour <= newest.last_ok_at - make_interval(days => ago.days)
                and seen.hour > newest.last_ok_at - make_interval(days => ago.days + 1)
            order by seen.hour desc limit 1
        ) as hours
        cross join lateral (
            select min(zones.min_price_1ticket) as p1, min(zones.min_price_2tickets) as p2,
                min(zones.min_price_4tickets) as p4, min(zones.min_all_in_price_1ticket) as a1,
                min(zones.min_all_in_price_2tickets) as a2, min(zones.min_all_in_price_4tickets) as a4
            from analytics.price_distribution as zones
            where zones.event_id = newest.id and zones.hour = hours.hour
        ) as lowest
    ),

    compared as materialized (
        select prices.id,
            max(prices.p1) filter (where days = 0) as p1, max(prices.p2) filter (where days = 0) as p2,
            max(prices.p4) filter (where days = 0) as p4, max(prices.a1) filter (where days = 0) as a1,
            max(prices.a2) filter (where days = 0) as a2, max(prices.a4) filter (where days = 0) as a4,
            max(prices.price) filter (where days = 0) as price, max(prices.price) filter (where days = 1) as day_ago,
            max(prices.price) filter (where days = 7) as week_ago,
            max(prices.price) filter (where days = 30) as month_ago
        from prices
        group by prices.id
    )

    select
        newest.id, newest.last_ok_at, compared.p1, compared.p2, compared.p4, compared.a1, compared.a2, compared.a4,
        compared.price, compared.price - compared.day_ago, compared.price - compared.week_ago,
        compared.price - compared.month_ago,
        round((compared.price - compared.day_ago) / nullif(compared.day_ago, 0), 4),
        round((compared.price - compared.week_ago) / nullif(compared.week_ago, 0), 4),
        round((compared.price - compared.month_ago) / nullif(compared.month_ago, 0), 4),
        left_now.tickets, left_now.listings, sold.tickets
    from newest
    inner join compared on compared.id = newest.id
    inner join market.events on events.id = newest.id
    cross join lateral (
        select coalesce(sum(latest.total_tickets), 0)::integer as tickets,
            coalesce(sum(latest.total_listings), 0)::integer as listings
        from analytics.latest_prices as latest where latest.event_id = newest.id
    ) as left_now
    cross join lateral (
        select coalesce(sum(departures.tickets), 0)::integer as tickets
        from analytics.listing_departures as departures
        where departures.event_id = newest.id and departures.hour > newest.last_ok_at - interval '25 hours'
            and departures."timestamp" > newest.last_ok_at - interval '1 day'
            and api_parts.final_verdict(
                departures.verdict, departures.what, departures."timestamp", events.date) = 'sold'
    ) as sold
$$;

-- The price at the last observed hour of each 3 hours of the week until an event's newest ok capture: 56, the newest last.
create function api_parts.sparklines(ids uuid[], ends timestamptz[], tickets integer, basis text)
returns table (id uuid, prices numeric(10, 2)[]) language sql stable as $$
    with hours as materialized (
        select asked.id, bins.n, max(seen.hour) as hour
        from unnest($1, $2) as asked (id, last_ok_at)
        cross join lateral (
            select hours.hour from analytics.event_hours as hours
            where hours.event_id = asked.id and hours.ok_captures > 0 and hours.hour <= asked.last_ok_at
                and hours.hour > asked.last_ok_at - interval '7 days'
            offset 0
        ) as seen
        cross join lateral (
            select floor(extract(epoch from asked.last_ok_at - seen.hour) / 10800)::integer as n) as bins
        group by asked.id, bins.n
    ),

    priced as materialized (
        select hours.id, hours.n, api_parts.chosen(
            $3, $4, lowest.p1, lowest.p2, lowest.p4, lowest.a1, lowest.a2, lowest.a4)::numeric(10, 2) as price
        from hours
        cross join lateral (
            select min(zones.min_price_1ticket) as p1, min(zones.min_price_2tickets) as p2,
                min(zones.min_price_4tickets) as p4, min(zones.min_all_in_price_1ticket) as a1,
                min(zones.min_all_in_price_2tickets) as a2, min(zones.min_all_in_price_4tickets) as a4
            from analytics.price_distribution as zones
            where zones.event_id = hours.id and zones.hour = hours.hour
        ) as lowest
    ),

    bins as (
        select asked.id, steps.n, null::numeric as price
        from unnest($1) as asked (id) cross join generate_series(0, 55) as steps (n)
        union all
        select priced.id, priced.n, priced.price from priced
    ),

    points as (
        select bins.id, bins.n, max(bins.price)::numeric(10, 2) as price from bins group by bins.id, bins.n
    )

    select points.id, array_agg(points.price order by points.n desc) from points group by points.id
$$;

create function api.board(
    search text default null, venue text default null, city text default null, category text default null,
    performer text default null, date_from timestamptz default null, date_to timestamptz default null,
    active boolean default null, tickets integer default 2, basis text default 'before_fees',
    sort text default 'movers', by_performer boolean default false, after_id uuid default null,
    max_rows integer default null
) returns setof api.board_row language plpgsql stable as $$
#variable_conflict use_variable
declare
    key constant text := ltrim(sort, '-');
    down constant boolean := starts_with(sort, '-');
    texts constant boolean := key in ('name', 'venue', 'city', 'category', 'performer');
    -- only these orders need the figures of every event; for the others, those of the page are enough
    needs_figures constant boolean := not texts and key != 'date';
    most constant integer := coalesce(max_rows, api_parts.row_cap());
    page uuid[];
begin
    perform api_parts.check_choice(tickets, basis);
    if not (texts or key in (
        'movers', 'date', 'price', 'change_1day', 'change_7days', 'change_30days', 'share_1day', 'share_7days',
        'share_30days', 'total_tickets', 'total_listings', 'sold_tickets_1day', 'last_ok_at')) then
        raise sqlstate 'PT422' using message = format('sort is %L.', sort),
            hint = 'It is movers, or the name of a column, with - before it for descending.';
    end if;
    perform api_parts.check_max_rows(max_rows);
    page := array(
        with found as materialized (
            select * from api.events(search, venue, city, category, performer, date_from, date_to, active)
        ),

        placed as materialized (
            select
                found.id, case when by_performer then coalesce(found.performer_name, '') else '' end as grouped,
                case when texts then (texted.value is null)::integer
                     else coalesce(case when down then -numbered.value else numbered.value end, 'infinity')
                end as number,
                coalesce(texted.value, '') as text
            from found
            left join api_parts.board_figures(
                case when needs_figures then array(select found.id from found) end, tickets, basis
            ) as figures on figures.id = found.id
            cross join lateral (select case key
                when 'name' then found.name when 'venue' then found.venue when 'city' then found.city
                when 'category' then found.category when 'performer' then found.performer_name end as value) as texted
            cross join lateral (select case key
                when 'date' then extract(epoch from found.date)
                when 'movers' then -abs(figures.share_7days)
                when 'price' then figures.price
                when 'change_1day' then figures.change_1day
                when 'change_7days' then figures.change_7days
                when 'change_30days' then figures.change_30days
                when 'share_1day' then figures.share_1day
                when 'share_7days' then figures.share_7days
                when 'share_30days' then figures.share_30days
                when 'total_tickets' then figures.total_tickets
                when 'total_listings' then figures.total_listings
                when 'sold_tickets_1day' then figures.sold_tickets_1day
                when 'last_ok_at' then extract(epoch from figures.last_ok_at) end as value) as numbered
        ),

        ranked as materialized (
            select placed.id, row_number() over (
                order by placed.grouped, placed.number, case when not down then placed.text end,
                    case when down then placed.text end desc, placed.id) as rank
            from placed
        )

        select ranked.id
        from ranked
        where after_id is null or ranked.rank > (select seen.rank from ranked as seen where seen.id = after_id)
        order by ranked.rank
        limit most
    );
    return query
    with filled as materialized (
        select * from api_parts.board_figures(page, tickets, basis)
    ),

    lines as materialized (
        select lined.* from (select array_agg(filled.id) as ids, array_agg(filled.last_ok_at) as ends from filled) as known
        cross join lateral api_parts.sparklines(known.ids, known.ends, tickets, basis) as lined
    )

    select
        found.id, found.source::text, found.source = 'simulator', found.name::text, found.venue::text,
        found.city::text, found.venue_time_zone::text, found.date,
        (found.date at time zone found.venue_time_zone)::date, found.date_status::text, found.category::text,
        found.performer_id::text, found.performer_name::text, found.image_url::text, found.currency::text,
        filled.price::numeric(10, 2), filled.change_1day::numeric(10, 2), filled.change_7days::numeric(10, 2),
        filled.change_30days::numeric(10, 2), filled.share_1day::double precision, filled.share_7days::double precision,
        filled.share_30days::double precision, coalesce(lines.prices, '{}')::numeric(10, 2)[],
        filled.price_1::numeric(10, 2), filled.price_2::numeric(10, 2), filled.price_4::numeric(10, 2),
        filled.all_in_price_1::numeric(10, 2), filled.all_in_price_2::numeric(10, 2),
        filled.all_in_price_4::numeric(10, 2), coalesce(filled.total_tickets, 0), coalesce(filled.total_listings, 0),
        coalesce(filled.sold_tickets_1day, 0), filled.last_ok_at
    from unnest(page) with ordinality as places (id, rank)
    inner join api.events as found on found.id = places.id
    left join filled on filled.id = places.id
    left join lines on lines.id = places.id
    order by places.rank;
end $$;
comment on function api.board is
    'Events as rows: get-in price and its changes, the week as a sparkline, tickets left, estimated sold in a day. tickets (1, 2, 4) and basis choose the price; sort is movers or a column, with - for descending';

create function api.movers(
    days integer default 7, tickets integer default 2, basis text default 'before_fees', direction text default 'both',
    category text default null, active boolean default null,
    after_event uuid default null, after_zone text default null, max_rows integer default null
) returns setof api.mover language plpgsql stable as $$
#variable_conflict use_variable
declare
    most constant integer := coalesce(max_rows, api_parts.row_cap());
begin
    perform api_parts.check_choice(tickets, basis);
    if days not in (1, 7, 30) then
        raise sqlstate 'PT422' using message = format('days is %s.', days), hint = 'It is 1, 7 or 30.';
    elsif direction not in ('up', 'down', 'both') then
        raise sqlstate 'PT422' using message = format('direction is %L.', direction), hint = 'It is up, down or both.';
    end if;
    perform api_parts.check_max_rows(max_rows);
    return query
    with hours as materialized (
        select events.id, events.name, events.venue, events.date, events.currency, newest.last_ok_at, now_seen.hour,
            ago_seen.hour as hour_ago
        from api.events(category => category, active => active) as events
        cross join lateral (
            select seen.last_ok_at from analytics.event_days as seen
            where seen.event_id = events.id and seen.last_ok_at is not null
            order by seen.date desc limit 1
        ) as newest
        cross join lateral (
            select seen.hour from analytics.event_hours as seen
            where seen.event_id = events.id and seen.ok_captures > 0 and seen.hour <= newest.last_ok_at
                and seen.hour > newest.last_ok_at - interval '1 day'
            order by seen.hour desc limit 1
        ) as now_seen
        cross join lateral (
            select seen.hour from analytics.event_hours as seen
            where seen.event_id = events.id and seen.ok_captures > 0
                and seen.hour <= newest.last_ok_at - make_interval(days => days)
                and seen.hour > newest.last_ok_at - make_interval(days => days + 1)
            order by seen.hour desc limit 1
        ) as ago_seen
    ),

    moved as materialized (
        select hours.*, now_sold.zone as of_zone, now_sold.total_tickets, now_sold.price, ago_sold.price as before,
            now_sold.price - ago_sold.price as change,
            (now_sold.price - ago_sold.price) / nullif(ago_sold.price, 0) as share
        from hours
        cross join lateral (
            select zones.zone, zones.total_tickets, api_parts.chosen(
                tickets, basis, zones.min_price_1ticket, zones.min_price_2tickets, zones.min_price_4tickets,
                zones.min_all_in_price_1ticket, zones.min_all_in_price_2tickets,
                zones.min_all_in_price_4tickets) as price
            from analytics.price_distribution as zones
            where zones.event_id = hours.id and zones.hour = hours.hour
            offset 0
        ) as now_sold
        cross join lateral (
            select api_parts.chosen(
                tickets, basis, zones.min_price_1ticket, zones.min_price_2tickets, zones.min_price_4tickets,
                zones.min_all_in_price_1ticket, zones.min_all_in_price_2tickets,
                zones.min_all_in_price_4tickets) as price
            from analytics.price_distribution as zones
            where zones.event_id = hours.id and zones.zone = now_sold.zone and zones.hour = hours.hour_ago
            offset 0
        ) as ago_sold
        where now_sold.price != ago_sold.price
            and (direction = 'both' or direction = 'up' and now_sold.price > ago_sold.price
                or direction = 'down' and now_sold.price < ago_sold.price)
    ),

    ranked as materialized (
        select moved.*, row_number() over (order by abs(moved.share) desc nulls last, moved.id, moved.of_zone) as rank
        from moved
    )

    select ranked.id, ranked.name::text, ranked.venue::text, ranked.date, ranked.of_zone::text, ranked.currency::text,
        ranked.price::numeric(10, 2), ranked.before::numeric(10, 2), ranked.change::numeric(10, 2),
        round(ranked.share, 4)::double precision, ranked.total_tickets, ranked.last_ok_at
    from ranked
    where after_event is null or ranked.rank > (
        select seen.rank from ranked as seen where seen.id = after_event and seen.of_zone = after_zone)
    order by ranked.rank
    limit most;
end $$;
comment on function api.movers is
    'The zones whose lowest price changed most in 1, 7 or 30 days, the largest share first';
