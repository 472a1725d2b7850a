-- Single listings: all that were for sale at a tick, and every state of one of them.

create type api.listing as (
    listing_id text, zone text, section text, seat_row text, quantity integer, buyable integer[],
    price numeric(10, 2), all_in_price numeric(10, 2), deal_score numeric(4, 1), first_seen_at timestamptz,
    price_changes_7days integer, last_repriced_at timestamptz, "timestamp" timestamptz);
create type api.listing_state as (
    from_tick timestamptz, until_tick timestamptz, section text, seat_row text, quantity integer, buyable integer[],
    price numeric(10, 2), all_in_price numeric(10, 2), deal_score numeric(4, 1));

grant select on market.offer_terms to tickettape_reader; -- of no event: only quantities
grant select on market.all_listing_changes, market.listing_ticks to tickettape_reader; -- they obey the tables' policies
grant execute on function market.listings_of(integer, timestamptz), market.listing_history(uuid, text),
market.deltas_of(market.packed_listing_changes), market.ok_ticks_before(integer, timestamptz, integer)
to tickettape_reader;

create function api.listings_seen_at(event_id uuid, at timestamptz default null) returns timestamptz
language sql stable as $$
    select seen.tick
    from market.events
    cross join lateral market.ok_ticks_before(
        events.event_key, coalesce($2, 'infinity') + interval '1 microsecond', 1
    ) as seen (tick)
    where events.id = $1 and seen.tick > coalesce($2 - interval '1 day', '-infinity')
$$;
comment on function api.listings_seen_at is
    'Tick of the ok capture that shows an event''s listings at an instant: the last until then, if it is at most a day older. Without an instant: the newest';

-- Only the listings of the page are looked up in the seven days, because these are a thousand observations.
create function api.listings(
    event_id uuid, at timestamptz default null, zone text default null, tickets integer default null,
    basis text default 'before_fees', after_price numeric default null, after_listing text default null,
    max_rows integer default null
) returns setof api.listing language plpgsql stable as $$
#variable_conflict use_variable
declare
    zones constant text[] := api_parts.zones_asked(event_id, zone, null, null, max_rows);
    most constant integer := coalesce(max_rows, api_parts.row_cap() + 1);
    of_event constant integer := (select events.event_key from market.events where events.id = event_id);
    seen_at constant timestamptz := api.listings_seen_at(event_id, at);
    returned bigint;
begin
    perform api_parts.check_basis(basis);
    if seen_at is null then
        raise sqlstate 'PT404' using message = format(
            'The listings of event %s are not known%s.', event_id, coalesce(' at ' || (at at time zone 'UTC') || ' UTC', '')),
            hint = 'They are known from an ok capture until a day later, and in cold storage only after `tickettape restore`.';
    end if;
    return query
    with page as materialized (
        select listings.*, sections.name as section, of_zones.name as of_zone, places.place
        from market.listings_of(of_event, seen_at) as listings
        inner join market.sections on sections.event_key = of_event and sections.section_key = listings.section_key
        inner join market.zones as of_zones on of_zones.event_key = of_event and of_zones.zone_key = sections.zone_key
        cross join lateral (
            -- a listing whose all-in price is not known comes after all others
            select coalesce(
                (case basis when 'all_in' then listings.all_in_price_cents else listings.price_cents end)::numeric / 100,
                'infinity') as place
        ) as places
        where of_zones.name = any(zones) and (tickets is null or tickets = any(listings.buyable))
            and (after_listing is null or (places.place, listings.listing_id) > (after_price, after_listing))
        order by places.place, listings.listing_id
        limit most
    ),

    days as materialized (
        select changes.*
        from market.all_listing_changes as changes
        where changes.event_key = of_event and changes.tick <= seen_at
            and changes.date between ((seen_at - interval '7 days') at time zone 'UTC')::date
                and (seen_at at time zone 'UTC')::date
            -- from the beginning of a day, whose first observation names everything
            and changes.tick >= date_bin('1 day', seen_at - interval '7 days', timestamptz '2000-01-01 00:00Z')
    ),

    numbers as materialized (
        select distinct named.number, named.listing_id
        from days
        cross join lateral unnest(days.numbers, days.listing_ids) as named (number, listing_id)
        where named.listing_id in (select page.listing_id from page)
    ),

    steps as materialized (
        select step.number, count(*) as steps, max(days.tick) as last_step_at
        from days
        cross join lateral unnest(days.changed, days.price_steps) as step (number, price)
        where step.price != 0 and days.tick > seen_at - interval '7 days'
            and step.number in (select numbers.number from numbers)
        group by step.number
    ),

    repriced as materialized (
        select numbers.listing_id, sum(steps.steps)::integer as times, max(steps.last_step_at) as last_at
        from numbers inner join steps on steps.number = numbers.number
        group by numbers.listing_id
    )

    select
        page.listing_id, page.of_zone, page.section, page.seat_row, page.quantity, page.buyable,
        round(page.price_cents / 100.0, 2)::numeric(10, 2), round(page.all_in_price_cents / 100.0, 2)::numeric(10, 2),
        page.deal_score::numeric(4, 1), page.since, coalesce(repriced.times, 0), repriced.last_at, seen_at
    from page
    left join repriced on repriced.listing_id = page.listing_id
    order by page.place, page.listing_id;
    get diagnostics returned = row_count;
    perform api_parts.check_whole(
        returned, max_rows, 'Ask for one zone, or use max_rows, after_price and after_listing for paging.');
end $$;
comment on function api.listings is
    'The listings of an event at the last ok capture until an instant (default: the newest), the cheapest first; tickets: only those from which exactly so many can be bought';

create function api.listing_history(
    event_id uuid, listing_id text, after_tick timestamptz default null, max_rows integer default null
) returns setof api.listing_state language plpgsql stable as $$
#variable_conflict use_variable
begin
    perform api_parts.zones_asked(event_id, null, null, null, max_rows);
    return query
    select states.from_tick, states.until_tick, states.section, states.seat_row, states.quantity, states.buyable,
        states.price::numeric(10, 2), states.all_in_price::numeric(10, 2), states.deal_score::numeric(4, 1)
    from market.listing_history(event_id, listing_id) as states
    where after_tick is null or states.from_tick > after_tick
    order by states.from_tick
    limit coalesce(max_rows, api_parts.row_cap());
    if not found and after_tick is null then
        raise sqlstate 'PT404' using message = format('Event %s has no listing %L.', event_id, listing_id),
            hint = 'GET /api/events/{id}/listings lists its listings.';
    end if;
end $$;
comment on function api.listing_history is
    'Every state of one listing of an event, with the ticks from which and until which it was seen so';
