-- The board: events as rows, with what a person looks for first. And movers: the zones whose prices changed most.
-- Both read analytics.event_board, where all of it is looked up already.

create type api.board_row as (
    id uuid, source text, simulated boolean, name text, venue text, city text, venue_time_zone text, date timestamptz,
    local_date date, date_status text, category text, performer_id text, performer_name text, image_url text,
    currency text, price numeric(10, 2), change_1day numeric(10, 2), change_7days numeric(10, 2),
    change_30days numeric(10, 2), share_1day double precision, share_7days double precision, share_30days double precision,
    sparkline numeric(10, 2)[], price_1 numeric(10, 2), price_2 numeric(10, 2), price_4 numeric(10, 2),
    all_in_price_1 numeric(10, 2), all_in_price_2 numeric(10, 2), all_in_price_4 numeric(10, 2),
    total_tickets integer, total_listings integer, sold_tickets_1day integer, last_ok_at timestamptz,
    age_minutes integer, kind text, market text, price_basis text, sources integer, cheapest_source text,
    cheapest_event_id uuid, cheapest_all_in_price numeric(10, 2));
create type api.mover as (
    event_id uuid, name text, venue text, date timestamptz, zone text, currency text, price numeric(10, 2),
    previous_price numeric(10, 2), change numeric(10, 2), share double precision, total_tickets integer,
    "timestamp" timestamptz);

-- The sources whose data is simulated. The service names those that it knows.
create function api_parts.simulated_sources() returns text[] language sql stable as $$
    select string_to_array(
        coalesce(nullif(current_setting('tickettape.simulated_sources', true), ''), 'simulator'), ',')
$$;

-- The figures of the board's rows, with the price that is asked for. A price range does not say for how many it is.
create function api_parts.board_figures(tickets integer, basis text)
returns table (
    event_id uuid, kind text, market text, price_basis text, last_ok_at timestamptz, price numeric,
    change_1day numeric, change_7days numeric, change_30days numeric, share_1day numeric, share_7days numeric,
    share_30days numeric, week numeric[], price_1 numeric, price_2 numeric, price_4 numeric, all_in_price_1 numeric,
    all_in_price_2 numeric, all_in_price_4 numeric, total_tickets integer, total_listings integer,
    sold_tickets_1day integer
) language sql stable as $$
    select
        board.event_id, board.kind, board.market, board.price_basis, board."timestamp", now.price,
        now.price - ago.prices[1], now.price - ago.prices[2], now.price - ago.prices[3],
        round((now.price - ago.prices[1]) / nullif(ago.prices[1], 0), 4),
        round((now.price - ago.prices[2]) / nullif(ago.prices[2], 0), 4),
        round((now.price - ago.prices[3]) / nullif(ago.prices[3], 0), 4),
        api_parts.chosen(
            asked.tickets, $2, board.week_min_price_1ticket, board.week_min_price_2tickets,
            board.week_min_price_4tickets, board.week_min_all_in_price_1ticket,
            board.week_min_all_in_price_2tickets, board.week_min_all_in_price_4tickets),
        case when board.kind = 'listings' then board.min_price_1ticket end, board.min_price_2tickets,
        board.min_price_4tickets, case when board.kind = 'listings' then board.min_all_in_price_1ticket end,
        board.min_all_in_price_2tickets, board.min_all_in_price_4tickets, board.total_tickets, board.total_listings,
        board.sold_tickets_1day
    from analytics.event_board as board
    cross join lateral (select case board.kind when 'price_range' then 1 else $1 end as tickets) as asked
    cross join lateral (select api_parts.chosen(
        asked.tickets, $2, board.min_price_1ticket, board.min_price_2tickets, board.min_price_4tickets,
        board.min_all_in_price_1ticket, board.min_all_in_price_2tickets, board.min_all_in_price_4tickets) as price
    ) as now
    cross join lateral (select api_parts.chosen(
        asked.tickets, $2, board.earlier_min_price_1ticket, board.earlier_min_price_2tickets,
        board.earlier_min_price_4tickets, board.earlier_min_all_in_price_1ticket,
        board.earlier_min_all_in_price_2tickets, board.earlier_min_all_in_price_4tickets) as prices
    ) as ago
$$;

create function api.board(
    search text default null, venue text default null, city text default null, category text default null,
    performer text default null, date_from timestamptz default null, date_to timestamptz default null,
    active boolean default null, tickets integer default 2, basis text default 'before_fees',
    sort text default 'movers', by_performer boolean default false, after_id uuid default null,
    max_rows integer default null, one_side boolean default false
) returns setof api.board_row language plpgsql stable as $$
#variable_conflict use_variable
declare
    key constant text := ltrim(sort, '-');
    down constant boolean := starts_with(sort, '-');
    texts constant boolean := key in ('name', 'venue', 'city', 'category', 'performer');
    most constant integer := coalesce(max_rows, api_parts.row_cap());
    simulated constant text[] := api_parts.simulated_sources();
    page uuid[];
begin
    perform api_parts.check_choice(tickets, basis);
    if not (texts or key in (
        'movers', 'date', 'price', 'change_1day', 'change_7days', 'change_30days', 'share_1day', 'share_7days',
        'share_30days', 'total_tickets', 'total_listings', 'sold_tickets_1day', 'last_ok_at', 'age_minutes')) then
        raise sqlstate 'PT422' using message = format('sort is %L.', sort),
            hint = 'It is movers, or the name of a column, with - before it for descending.';
    end if;
    perform api_parts.check_max_rows(max_rows);
    page := array(
        with placed as materialized (
            select
                found.id, case when by_performer then coalesce(found.performer_name, '') else '' end as grouped,
                case when texts then (texted.value is null)::integer
                     else coalesce(case when down then -numbered.value else numbered.value end, 'infinity')
                end as number,
                coalesce(texted.value, '') as text,
                -- of several sides, the one that stands for all: with listings, and known for longest
                row_number() over (
                    partition by coalesce(own.catalogue_event_id, found.id)
                    order by figures.kind is distinct from 'listings', found.id != own.catalogue_event_id, found.source
                ) as side
            from api.events(search, venue, city, category, performer, date_from, date_to, active) as found
            left join market.event_sides as own
                on own.source = found.source and own.external_id = found.external_id
            left join api_parts.board_figures(tickets, basis) as figures on figures.event_id = found.id
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
                when 'last_ok_at' then extract(epoch from figures.last_ok_at)
                when 'age_minutes' then -extract(epoch from figures.last_ok_at) end as value) as numbered
        ),

        ranked as materialized (
            select placed.id, row_number() over (
                order by placed.grouped, placed.number, case when not down then placed.text end,
                    case when down then placed.text end desc, placed.id) as rank
            from placed
            where not one_side or placed.side = 1
        )

        select ranked.id
        from ranked
        where after_id is null or ranked.rank > (select seen.rank from ranked as seen where seen.id = after_id)
        order by ranked.rank
        limit most
    );
    return query
    select
        found.id, found.source::text, found.source = any(simulated), found.name::text, found.venue::text,
        found.city::text, found.venue_time_zone::text, found.date,
        (found.date at time zone found.venue_time_zone)::date, found.date_status::text, found.category::text,
        found.performer_id::text, found.performer_name::text, found.image_url::text, found.currency::text,
        figures.price::numeric(10, 2), figures.change_1day::numeric(10, 2), figures.change_7days::numeric(10, 2),
        figures.change_30days::numeric(10, 2), figures.share_1day::double precision, figures.share_7days::double precision,
        figures.share_30days::double precision,
        coalesce(figures.week, '{}')::numeric(10, 2)[],
        figures.price_1::numeric(10, 2), figures.price_2::numeric(10, 2), figures.price_4::numeric(10, 2),
        figures.all_in_price_1::numeric(10, 2), figures.all_in_price_2::numeric(10, 2),
        figures.all_in_price_4::numeric(10, 2), coalesce(figures.total_tickets, 0),
        coalesce(figures.total_listings, 0), coalesce(figures.sold_tickets_1day, 0), figures.last_ok_at,
        case when figures.last_ok_at is not null
             then greatest(0, floor(extract(epoch from now() - figures.last_ok_at) / 60))::integer end,
        figures.kind, figures.market, figures.price_basis, coalesce(across.sources, 1), across.source,
        across.source_event_id, across.all_in_price::numeric(10, 2)
    from unnest(page) with ordinality as places (id, rank)
    inner join api.events as found on found.id = places.id
    left join api_parts.board_figures(tickets, basis) as figures on figures.event_id = places.id
    left join api_parts.cheapest_sides(page, tickets) as across on across.event_id = places.id
    order by places.rank;
end $$;
comment on function api.board is
    'Events as rows: get-in price and its changes, the week as a sparkline, tickets left, estimated sold in a day. tickets (1, 2, 4) and basis choose the price; sort is movers or a column, with - for descending; one_side: an event of several sources has one row';

create function api.movers(
    days integer default 7, tickets integer default 2, basis text default 'before_fees', direction text default 'both',
    search text default null, venue text default null, city text default null, category text default null,
    performer text default null, date_from timestamptz default null, date_to timestamptz default null,
    active boolean default null, after_event uuid default null, after_zone text default null,
    max_rows integer default null
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
        select found.id, found.name, found.venue, found.date, found.currency, board.timestamp as last_ok_at, board.hour,
            board.earlier_hours[array_position(array[1, 7, 30], days)] as hour_ago
        from api.events(search, venue, city, category, performer, date_from, date_to, active) as found
        inner join analytics.event_board as board on board.event_id = found.id and board.kind = 'listings'
    ),

    seen as (
        select hours.id, zones.zone as of_zone, zones.hour = hours.hour as is_now, zones.total_tickets,
            api_parts.chosen(
                tickets, basis, zones.min_price_1ticket, zones.min_price_2tickets, zones.min_price_4tickets,
                zones.min_all_in_price_1ticket, zones.min_all_in_price_2tickets,
                zones.min_all_in_price_4tickets) as price
        from hours
        cross join lateral (
            select * from analytics.price_distribution as of_event
            where of_event.event_id = hours.id and of_event.hour = any(array[hours.hour, hours.hour_ago])
            offset 0
        ) as zones
    ),

    -- grouped, because the planner expects few rows, and would join them with themselves row by row
    compared as (
        select seen.id, seen.of_zone, max(seen.total_tickets) filter (where seen.is_now) as tickets_left,
            max(seen.price) filter (where seen.is_now) as price_now,
            max(seen.price) filter (where not seen.is_now) as price_before
        from seen
        group by seen.id, seen.of_zone
    ),

    moved as materialized (
        select compared.*, (compared.price_now - compared.price_before) / compared.price_before as share
        from compared
        where compared.price_now != compared.price_before
            and (direction = 'both' or direction = 'up' and compared.price_now > compared.price_before
                or direction = 'down' and compared.price_now < compared.price_before)
    ),

    page as materialized (
        select moved.*
        from moved
        where after_event is null or (-abs(moved.share), moved.id, moved.of_zone) > (
            select -abs(last_seen.share), last_seen.id, last_seen.of_zone
            from moved as last_seen where last_seen.id = after_event and last_seen.of_zone = after_zone)
        order by -abs(moved.share), moved.id, moved.of_zone
        limit most
    )

    select hours.id, hours.name::text, hours.venue::text, hours.date, page.of_zone::text, hours.currency::text,
        page.price_now::numeric(10, 2), page.price_before::numeric(10, 2),
        (page.price_now - page.price_before)::numeric(10, 2), round(page.share, 4)::double precision,
        page.tickets_left, hours.last_ok_at
    from page
    inner join hours on hours.id = page.id
    order by -abs(page.share), page.id, page.of_zone;
end $$;
comment on function api.movers is
    'The zones whose lowest price changed most in 1, 7 or 30 days, the largest share first';
