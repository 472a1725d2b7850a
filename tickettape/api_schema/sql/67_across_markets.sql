-- One event at several sources: where it is cheapest, how far its prices are apart, and what is offered twice.
--
-- Row-level security decides which sides there are: only those that the caller may see.

create type api.market_side as (
    source text, event_id uuid, external_id text, last_ok_at timestamptz, age_minutes integer, fresh boolean,
    currency text, price_1 numeric(10, 2), price_2 numeric(10, 2), price_4 numeric(10, 2),
    all_in_price_1 numeric(10, 2), all_in_price_2 numeric(10, 2), all_in_price_4 numeric(10, 2),
    cheapest_1 boolean, cheapest_2 boolean, cheapest_4 boolean, total_tickets integer, total_listings integer,
    ticket_share double precision);
create type api.price_spread as (
    "timestamp" timestamptz, observed boolean, markets integer, lowest_price numeric(10, 2), lowest_source text,
    highest_price numeric(10, 2), highest_source text, spread numeric(10, 2));
create type api.shared_offer as (
    section text, seat_row text, quantity integer, currency text, source text, event_id uuid, listing_id text,
    price numeric(10, 2), all_in_price numeric(10, 2), other_source text, other_event_id uuid, other_listing_id text,
    other_section text, other_price numeric(10, 2), other_all_in_price numeric(10, 2), section_rule text);

grant execute on function market.match_sections(text[], text[]), market.plain_section(text) to tickettape_reader;

-- The sides of an event that the caller may see, itself included.
create function api_parts.sides(event_id uuid)
returns table (event_id uuid, event_key integer, source text, external_id text, currency text)
language sql stable as $$
    select sides.id, sides.event_key, sides.source, sides.external_id::text, sides.currency::text
    from market.events as asked
    cross join lateral (
        select asked.event_key
        union
        select others.event_key
        from market.event_sides as own
        inner join market.event_sides as others on others.catalogue_event_id = own.catalogue_event_id
        where own.event_key = asked.event_key
    ) as keys
    inner join market.events as sides on sides.event_key = keys.event_key
    where asked.id = $1
$$;

-- Where each of several events is cheapest all-in, in its own currency; only of events with several sides. The same rule
-- as in analytics.get_in_prices_across, whose rows cost a hundred times as much for a page of the board.
create function api_parts.cheapest_sides(event_ids uuid[], tickets integer)
returns table (event_id uuid, sources integer, source text, source_event_id uuid, all_in_price numeric)
language sql stable as $$
    with prices as (
        select asked.id, others.id as other_id, others.source,
            case
                when others.currency = asked.currency
                        and board."timestamp" >= max(board."timestamp") over (partition by asked.id) - interval '1 hour'
                    then api_parts.chosen(
                        $2, 'all_in', null::numeric, null, null, board.min_all_in_price_1ticket,
                        board.min_all_in_price_2tickets, board.min_all_in_price_4tickets)
            end as price
        from market.events as asked
        inner join market.event_sides as own on own.event_key = asked.event_key
        inner join market.event_sides as sides on sides.catalogue_event_id = own.catalogue_event_id
        inner join market.events as others on others.event_key = sides.event_key
        inner join analytics.event_board as board on board.event_id = others.id and board.kind = 'listings'
        where asked.id = any($1)
    )

    select prices.id, count(*)::integer,
        (array_agg(prices.source order by prices.price, prices.source) filter (where prices.price is not null))[1],
        (array_agg(prices.other_id order by prices.price, prices.source) filter (where prices.price is not null))[1],
        min(prices.price)
    from prices
    group by prices.id
$$;

create function api.across_markets(event_id uuid) returns setof api.market_side language plpgsql stable as $$
#variable_conflict use_variable
begin
    perform api_parts.zones_asked(event_id, null, null, null, null);
    return query
    with figures as (
        select sides.*, board."timestamp" as last_ok_at,
            board."timestamp" >= max(board."timestamp") over () - interval '1 hour' as fresh,
            board.min_price_1ticket as p1, board.min_price_2tickets as p2, board.min_price_4tickets as p4,
            board.min_all_in_price_1ticket as a1, board.min_all_in_price_2tickets as a2,
            board.min_all_in_price_4tickets as a4, board.total_tickets, board.total_listings,
            nullif(sum(board.total_tickets) over (), 0) as all_tickets
        from api_parts.sides(event_id) as sides
        left join analytics.event_board as board on board.event_id = sides.event_id and board.kind = 'listings'
    ),

    compared as (
        select figures.*, min(figures.a1) filter (where figures.fresh) over of_currency as lowest_1,
            min(figures.a2) filter (where figures.fresh) over of_currency as lowest_2,
            min(figures.a4) filter (where figures.fresh) over of_currency as lowest_4
        from figures
        window of_currency as (partition by figures.currency)
    )

    select figures.source, figures.event_id, figures.external_id, figures.last_ok_at,
        case when figures.last_ok_at is not null
             then greatest(0, floor(extract(epoch from now() - figures.last_ok_at) / 60))::integer end,
        coalesce(figures.fresh, false), figures.currency,
        figures.p1::numeric(10, 2), figures.p2::numeric(10, 2), figures.p4::numeric(10, 2),
        figures.a1::numeric(10, 2), figures.a2::numeric(10, 2), figures.a4::numeric(10, 2),
        coalesce(figures.fresh and figures.a1 = figures.lowest_1, false),
        coalesce(figures.fresh and figures.a2 = figures.lowest_2, false),
        coalesce(figures.fresh and figures.a4 = figures.lowest_4, false),
        figures.total_tickets, figures.total_listings,
        round(figures.total_tickets / figures.all_tickets::numeric, 4)::double precision
    from compared as figures
    order by figures.source, figures.event_id;
end $$;
comment on function api.across_markets is
    'An event at each source that has it: its get-in prices, how old they are, which is the cheapest all-in of those at most an hour older than the newest, and the share of all tickets';

create function api.price_spread(
    event_id uuid, tickets integer default 2, basis text default 'all_in',
    start_date timestamptz default now() - interval '7 days', end_date timestamptz default now(),
    granularity text default 'auto', fill boolean default false, after_timestamp timestamptz default null,
    max_rows integer default null
) returns setof api.price_spread language plpgsql stable as $$
#variable_conflict use_variable
declare
    asked constant record := api_parts.hours_asked(
        granularity, start_date, end_date, fill, 1, after_timestamp, max_rows);
    in_currency constant text := (select events.currency from market.events where events.id = event_id);
    returned bigint;
begin
    perform api_parts.zones_asked(event_id, null, start_date, end_date, max_rows);
    perform api_parts.check_choice(tickets, basis);
    return query
    with sources as (
        select
            date_bin(asked.bucket, hours.hour, timestamptz '2000-01-01 00:00Z') as moment, sides.source,
            min(api_parts.chosen(
                tickets, basis, hours.min_price_1ticket, hours.min_price_2tickets, hours.min_price_4tickets,
                hours.min_all_in_price_1ticket, hours.min_all_in_price_2tickets,
                hours.min_all_in_price_4tickets)) as price
        from api_parts.sides(event_id) as sides
        inner join analytics.get_in_hours as hours on hours.event_id = sides.event_id
        where hours.hour >= asked.first and hours.hour <= asked.last
            and sides.currency is not distinct from in_currency
        group by 1, 2
    ),

    moments as materialized (
        select sources.moment, true as observed, count(sources.price)::integer as markets,
            min(sources.price) as lowest, max(sources.price) as highest,
            (array_agg(sources.source order by sources.price, sources.source)
                filter (where sources.price is not null))[1] as lowest_source,
            (array_agg(sources.source order by sources.price desc, sources.source)
                filter (where sources.price is not null))[1] as highest_source
        from sources
        group by sources.moment
        having fill or count(sources.price) > 0
    )

    select points.moment, points.observed, points.markets, points.lowest::numeric(10, 2), points.lowest_source,
        points.highest::numeric(10, 2), points.highest_source,
        case when points.markets > 1 then points.highest - points.lowest end::numeric(10, 2)
    from (
        select moments.moment, moments.observed, moments.markets, moments.lowest, moments.lowest_source,
            moments.highest, moments.highest_source
        from moments
        union all
        select series.moment, false, 0, null, null, null, null
        from generate_series(
            date_bin(
                asked.bucket, asked.first + asked.bucket - interval '1 microsecond', timestamptz '2000-01-01 00:00Z'),
            least(asked.last, now()), asked.bucket) as series (moment)
        where fill and series.moment not in (select moments.moment from moments)
    ) as points
    where after_timestamp is null or points.moment > after_timestamp
    order by points.moment limit asked.most;
    get diagnostics returned = row_count;
    perform api_parts.check_whole_series(returned, max_rows);
end $$;
comment on function api.price_spread is
    'The get-in price of an event at its cheapest and at its dearest source, by hour or day, in the event''s currency';

-- A seller may offer the same seats at several sources. Nobody outside can know, so this is an estimate: the sections are
-- one by market.match_sections, row and quantity are equal, prices before fees differ by at most a tenth, and neither
-- listing fits another one. Of sides whose newest captures are at most an hour apart from the newest.
create function api.shared_offers(event_id uuid, max_rows integer default null)
returns setof api.shared_offer language plpgsql stable as $$
#variable_conflict use_variable
declare
    most constant integer := coalesce(max_rows, api_parts.row_cap() + 1);
    returned bigint;
begin
    perform api_parts.zones_asked(event_id, null, null, null, max_rows);
    return query
    with sides as materialized (
        select sides.*, board."timestamp" as seen_at, max(board."timestamp") over () as newest
        from api_parts.sides(event_id) as sides
        inner join analytics.event_board as board on board.event_id = sides.event_id and board.kind = 'listings'
    ),

    listed as materialized (
        select sides.source, sides.event_id, sides.event_key, sides.currency, sections.name as section,
            upper(trim(listings.seat_row)) as seat_row, listings.listing_id, listings.quantity, listings.price_cents,
            listings.all_in_price_cents
        from sides
        cross join lateral market.listings_of(sides.event_key, sides.seen_at) as listings
        inner join market.sections
            on sections.event_key = sides.event_key and sections.section_key = listings.section_key
        -- general admission has no row
        where sides.seen_at >= sides.newest - interval '1 hour'
            and trim(listings.seat_row) !~* '^(|GA|N/?A|-+)$'
    ),

    names as (
        select listed.event_id, listed.source, array_agg(distinct listed.section) as sections
        from listed
        group by listed.event_id, listed.source
    ),

    paired as (
        select ones.event_id, others.event_id as other_event_id, matched.section, matched.other_section, matched.rule
        from names as ones
        inner join names as others on ones.source < others.source
        cross join lateral market.match_sections(ones.sections, others.sections) as matched
    ),

    candidates as (
        select ones.*, others.source as other_source, others.event_id as other_event_id,
            others.listing_id as other_listing_id, others.section as other_section, others.price_cents as other_cents,
            others.all_in_price_cents as other_all_in_cents, paired.rule,
            count(*) over (partition by ones.event_id, ones.listing_id, others.event_id) as fits,
            count(*) over (partition by others.event_id, others.listing_id, ones.event_id) as other_fits
        from paired
        inner join listed as ones on ones.event_id = paired.event_id and ones.section = paired.section
        inner join listed as others
            on others.event_id = paired.other_event_id and others.section = paired.other_section
                and others.seat_row = ones.seat_row and others.quantity = ones.quantity
                and others.currency is not distinct from ones.currency
                and abs(others.price_cents - ones.price_cents) <= 0.1 * least(others.price_cents, ones.price_cents)
    )

    select pairs.section::text, pairs.seat_row, pairs.quantity, pairs.currency, pairs.source, pairs.event_id,
        pairs.listing_id, round(pairs.price_cents / 100.0, 2)::numeric(10, 2),
        round(pairs.all_in_price_cents / 100.0, 2)::numeric(10, 2), pairs.other_source, pairs.other_event_id,
        pairs.other_listing_id, pairs.other_section::text, round(pairs.other_cents / 100.0, 2)::numeric(10, 2),
        round(pairs.other_all_in_cents / 100.0, 2)::numeric(10, 2), pairs.rule
    from candidates as pairs
    where pairs.fits = 1 and pairs.other_fits = 1
    order by pairs.price_cents, pairs.source, pairs.listing_id, pairs.other_source
    limit most;
    get diagnostics returned = row_count;
    perform api_parts.check_whole(returned, max_rows, 'Use max_rows.');
end $$;
comment on function api.shared_offers is
    'Listings that probably are one seller''s offer at two sources: an estimate, by section, row, quantity and price';
