-- Events, their zones and latest prices.

create type api.event_zone as (
    zone text, display_name text, display_order integer, sections text[], available boolean,
    lowest_price numeric(10, 2), total_tickets integer, total_listings integer);
create type api.event_detail as (
    id uuid, source text, external_id text, name text, venue text, city text, state text, country text,
    venue_time_zone text, date timestamptz, date_status text, category text, performer_id text, performer_name text,
    image_url text, page_url text, active boolean, last_scraped timestamptz, last_ok_at timestamptz, first_date date, zones integer,
    available_zones integer, lowest_price numeric(10, 2), total_tickets integer, total_listings integer, currency text,
    catalogue_event_id uuid);

-- A text for comparison: without case and accents, the same in every Unicode form, with a keyboard's quotes and dashes.
-- The letters in `translate` and ß do not consist of a letter and an accent.
create function api_parts.folded(text) returns text language sql immutable parallel safe as $$
    select translate(
        replace(lower(regexp_replace(normalize($1, nfkd), '[\u0300-\u036f]', '', 'g')), 'ß', 'ss'),
        'øđłħı’‘“”–—', $to$odlhi''""--$to$)
$$;

create function api.events(
    search text default null, venue text default null, city text default null, category text default null,
    performer text default null, date_from timestamptz default null, date_to timestamptz default null,
    active boolean default null
) returns setof api.events language sql stable as $$
    select * from api.events as found
    where ($1 is null or position((select api_parts.folded($1)) in api_parts.folded(found.name)) > 0)
        and ($2 is null or position((select api_parts.folded($2)) in api_parts.folded(found.venue)) > 0)
        and ($3 is null or api_parts.folded(found.city) = (select api_parts.folded($3)))
        and ($4 is null or api_parts.folded(found.category) = (select api_parts.folded($4)))
        and (
            $5 is null or found.performer_id = $5
            or position((select api_parts.folded($5)) in api_parts.folded(found.performer_name)) > 0)
        and ($6 is null or found.date >= $6)
        and ($7 is null or found.date <= $7)
        and ($8 is null or found.active = $8)
$$;
comment on function api.events(text, text, text, text, text, timestamptz, timestamptz, boolean) is
    'Events by name, venue, city, category, performer and date; all that is given must match. Case and accents do not matter';

create function api.event(id uuid) returns setof api.event_detail language sql stable as $$
    select
        found.id, found.source, found.external_id, found.name, found.venue, found.city, found.state, found.country,
        found.venue_time_zone, found.date, found.date_status, found.category, found.performer_id,
        found.performer_name, found.image_url, found.page_url, found.active, found.last_scraped, days.last_ok_at,
        days.first_date,
        coalesce(zones.zones, 0), coalesce(zones.available_zones, 0), zones.lowest_price,
        coalesce(zones.total_tickets, 0), coalesce(zones.total_listings, 0), found.currency,
        (select sides.event_id from api_parts.sides(found.id) as sides order by sides.event_key limit 1)
    from api.events as found
    cross join lateral (
        select max(seen.last_ok_at) as last_ok_at, min(seen.date) as first_date
        from analytics.event_days as seen where seen.event_id = found.id
    ) as days
    cross join lateral (
        select count(*)::integer as zones, count(*) filter (where latest.available)::integer as available_zones,
            min(latest.lowest_price) as lowest_price, sum(latest.total_tickets)::integer as total_tickets,
            sum(latest.total_listings)::integer as total_listings
        from analytics.latest_prices as latest where latest.event_id = found.id
    ) as zones
    where found.id = $1
$$;
comment on function api.event is 'One event: its catalogue entry, its newest ok capture, and what is for sale at it';

create function api.zones(event_id uuid) returns setof api.event_zone language sql stable as $$
    select
        mapping.zone_name, mapping.display_name, mapping.display_order, mapping.sections,
        coalesce(latest.available, false), latest.lowest_price, coalesce(latest.total_tickets, 0),
        coalesce(latest.total_listings, 0)
    from api.zones_mapping as mapping
    left join analytics.latest_prices as latest
        on latest.event_id = mapping.event_id and latest.zone = mapping.zone_name
    where mapping.event_id = $1
    order by mapping.display_order, mapping.zone_name
$$;
comment on function api.zones is 'The zones of an event in the marketplace''s order, with their sections and what is for sale';

create function api.latest_prices(event_id uuid) returns setof api.latest_prices language sql stable as $$
    select * from api.latest_prices as latest where latest.event_id = $1 order by latest.zone
$$;
comment on function api.latest_prices(uuid) is 'The latest prices of an event''s zones';

create function api.data_version(event_id uuid) returns text language sql stable as $$
    select md5(nullif(string_agg(concat_ws('|',
        event.updated_at, event.last_scraped,
        (select string_agg(versions.rollup || versions.changed_at, '|' order by versions.rollup)
         from market.event_versions as versions where versions.event_id = event.id)), '|' order by event.id), ''))
    from api_parts.sides($1) as sides
    inner join market.events as event on event.id = sides.event_id
$$;
comment on function api.data_version is 'Changes whenever an answer about the event may change. Null: no such event';
