-- Schema `api`: what people and programs ask, with stable names; and who may see which row.
--
-- Applied after dbt, whole, in one transaction, whenever this file or what it stands on has changed
-- (warehouse/api.py). Nothing else may be kept in schema api: it is made anew each time. Its parts, which only its
-- own functions call, are in api_parts: PostgREST does not show them.
-- A function raises sqlstate PTnnn for an answer with HTTP status nnn, as PostgREST reads it.

drop schema if exists api, api_parts cascade;
create schema api;
create schema api_parts;


-- Who asks
--
-- The service says it in request.jwt.claims, PostgREST the same way, with a token that has the claim `tenant`;
-- or a caller of PostgREST sends the API key itself, as the header x-api-key.

create or replace function access.tenant() returns uuid
language sql stable security definer set search_path = '' as $$
    select coalesce(
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'tenant')::uuid,
        (select api_keys.tenant_id from access.api_keys
         where api_keys.revoked_at is null and api_keys.key_sha256 = sha256(convert_to(
             nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-api-key', 'UTF8'))))
$$;

create or replace function access.sees_all() returns boolean
language sql stable security definer set search_path = '' as $$
    select coalesce((select tenants.sees_all from access.tenants where tenants.tenant_id = access.tenant()), false)
$$;

create or replace function access.event_ids() returns setof uuid
language sql stable security definer set search_path = '' as $$
    select tenant_events.event_id from access.tenant_events where tenant_events.tenant_id = (select access.tenant())
$$;

create or replace function access.event_keys() returns setof integer
language sql stable security definer set search_path = '' as $$
    select events.event_key
    from access.tenant_events inner join market.events on events.id = tenant_events.event_id
    where tenant_events.tenant_id = (select access.tenant())
$$;

-- The first statement of each of the service's transactions: whose it is, asked anew each time, so that a revoked
-- key is refused at once.
create or replace function access.enter(key_sha256 bytea) returns void
language plpgsql as $$
declare
    tenant uuid;
begin
    select api_keys.tenant_id into tenant from access.api_keys
    where api_keys.key_sha256 = enter.key_sha256 and api_keys.revoked_at is null;
    if tenant is null then
        raise sqlstate 'PT401' using message = 'The API key is unknown or was revoked.',
            hint = 'Send a key that `tickettape keys list` shows, as the header X-API-Key.';
    end if;
    perform set_config('request.jwt.claims', json_build_object('tenant', tenant)::text, true);
end $$;

-- A process takes a sixteenth of what is left of the minute at a time, so that a request needs no write of its own;
-- near the limit that is one. `most` null: there is no such key. granted 0: the minute is used up.
create or replace function access.lease(
    key_sha256 bytea, default_limit integer,
    out granted integer, out leased integer, out most integer, out seconds_left double precision
)
language plpgsql as $$
declare
    window_start constant timestamptz := date_trunc('minute', clock_timestamp());
    asking record;
begin
    seconds_left := extract(epoch from window_start + interval '1 minute' - clock_timestamp());
    select api_keys.key_id, coalesce(api_keys.requests_per_minute, default_limit) as most into asking
    from access.api_keys where api_keys.key_sha256 = lease.key_sha256 and api_keys.revoked_at is null;
    if not found then
        return;
    end if;
    most := asking.most;
    insert into access.request_windows as windows (key_id, starts_at, leased) values (asking.key_id, window_start, 0)
    on conflict do nothing;
    if found then
        delete from access.request_windows as windows
        where windows.key_id = asking.key_id and windows.starts_at < window_start;
        update access.api_keys set last_used_at = clock_timestamp() where api_keys.key_id = asking.key_id;
    end if;
    select windows.leased into leased from access.request_windows as windows
    where windows.key_id = asking.key_id and windows.starts_at = window_start for update;
    granted := greatest(0, least(most - leased, greatest(1, (most - leased) / 16)));
    leased := leased + granted;
    update access.request_windows as windows set leased = lease.leased
    where windows.key_id = asking.key_id and windows.starts_at = window_start;
end $$;


-- The reader, and what it may read

do $$
declare
    member text;
begin
    -- whoever applies this may become the reader; PostgREST's own roles too, where it is there (Supabase)
    foreach member in array array[current_user::text, 'authenticator', 'anon', 'authenticated'] loop
        -- by itself, who made a role may grant it and not become it
        if exists (select from pg_roles where rolname = member and not rolsuper) then
            execute format('grant tickettape_reader to %I', member);
        end if;
    end loop;
end $$;

revoke all on schema api, api_parts, access, market, analytics from public;
revoke all on all tables in schema access, market, analytics from public, tickettape_reader;
revoke all on all functions in schema access, market from public, tickettape_reader;
grant usage on schema api, api_parts, access, market, analytics to tickettape_reader;
grant execute on function access.tenant(), access.sees_all(), access.event_ids(), access.event_keys()
to tickettape_reader;

do $$
declare
    visible record;
begin
    for visible in
        select * from (values
            ('market.events'::regclass, 'id'),
            ('market.zones', null), ('market.sections', null), ('market.captures', null),
            ('market.section_snapshots', null),
            ('market.event_versions', 'event_id'),
            ('analytics.event_hours', 'event_id'), ('analytics.event_days', 'event_id'),
            ('analytics.aggregated_analytics', 'event_id'), ('analytics.daily_analytics', 'event_id'),
            ('analytics.latest_prices', 'event_id'), ('analytics.price_distribution', 'event_id'),
            ('analytics.inventory_changes', 'event_id'), ('analytics.listing_departures', 'event_id')
        ) as tables (name, event_id)
    loop
        if not (select relrowsecurity from pg_class where oid = visible.name) then
            execute format('alter table %s enable row level security', visible.name);
        end if;
        execute format('drop policy if exists rows_of_the_tenant on %s', visible.name);
        -- the selects in brackets are made once a statement, not once a row
        execute format(
            'create policy rows_of_the_tenant on %s for select to tickettape_reader using ((select access.sees_all()) or %s)',
            visible.name,
            case when visible.event_id is null then 'event_key in (select access.event_keys())'
                 else visible.event_id || ' in (select access.event_ids())' end);
        execute format('grant select on %s to tickettape_reader', visible.name);
    end loop;
end $$;


-- When an event's rollups change: its version, and a word to those who wait

create or replace function market.note_change() returns trigger language plpgsql as $$
begin
    insert into market.event_versions (event_id, rollup, changed_at)
    select ids.event_id, tg_table_name, clock_timestamp()
    from (select distinct changed.event_id from changed) as ids
    on conflict (event_id, rollup) do update set changed_at = excluded.changed_at;
    if tg_table_name = 'latest_prices' then
        perform pg_notify('tickettape_prices', ids.event_id::text)
        from (select distinct changed.event_id from changed) as ids;
    end if;
    return null;
end $$;

do $$
declare
    rollup text;
begin
    foreach rollup in array array[
        'event_hours', 'event_days', 'aggregated_analytics', 'daily_analytics', 'latest_prices'
    ] loop
        execute format($f$
            create or replace trigger note_insert after insert on analytics.%1$I
                referencing new table as changed for each statement execute function market.note_change();
            create or replace trigger note_delete after delete on analytics.%1$I
                referencing old table as changed for each statement execute function market.note_change();
            create or replace trigger note_update after update on analytics.%1$I
                referencing new table as changed for each statement execute function market.note_change();
        $f$, rollup);
    end loop;
end $$;


-- The tables, as views: the reader's rights and policies hold (security_invoker, PostgreSQL 15)
-- On dbt's tables, never on its views, which every tick makes anew: those are copied by their definition.

do $$
declare
    relation text;
    body text;
begin
    foreach relation in array string_to_array(:relations, ' ') loop
        body := case (select relkind from pg_class where oid = to_regclass('analytics.' || relation))
            when 'v' then replace(pg_get_viewdef('analytics.' || relation), 'analytics.price_trends', 'api.price_trends')
            else format('select * from analytics.%I', relation) end;
        execute format('create view api.%I with (security_invoker = true) as %s', relation, body);
        execute format('comment on view api.%I is %L', relation, obj_description(
            ('analytics.' || relation)::regclass, 'pg_class'));
    end loop;
end $$;


-- The functions

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
create type api.event_zone as (
    zone text, display_name text, display_order integer, sections text[], available boolean,
    lowest_price numeric(10, 2), total_tickets integer, total_listings integer);
create type api.event_detail as (
    id uuid, source text, external_id text, name text, venue text, city text, state text, country text,
    venue_time_zone text, date timestamptz, category text, performer_id text, performer_name text, image_url text,
    active boolean, last_scraped timestamptz, last_ok_at timestamptz, first_date date, zones integer,
    available_zones integer, lowest_price numeric(10, 2), total_tickets integer, total_listings integer);

create function api.granularity(asked text, start_date timestamptz, end_date timestamptz) returns text
language plpgsql immutable as $$
begin
    if asked = 'auto' then
        return case when end_date - start_date <= interval '14 days' then 'hour' else 'day' end;
    elsif asked in ('hour', 'day') then
        return asked;
    end if;
    raise sqlstate 'PT422' using message = format('granularity is %L.', asked), hint = 'It is auto, hour or day.';
end $$;
comment on function api.granularity is
    'Hours for ranges of up to 14 days, days for longer ones; or what is asked for';

create type api_parts.point as (
    "timestamp" timestamptz, zone text, observed boolean,
    min_price numeric, avg_price numeric, max_price numeric, min_all_in_price numeric,
    price_1 numeric, price_2 numeric, price_4 numeric,
    total_tickets integer, total_listings integer, avg_tickets numeric, peak_tickets integer, min_tickets integer);

-- Hours of zones as the rollup has them; with `zeros`, observed hours without the zone too: no price and 0 tickets;
-- with `fill`, unobserved hours as well, of which nothing is known.
-- Written to be planned once for all arguments (plan_cache_mode): zones by array, so that the rollup's key serves
-- one and all; `not in` instead of a join, as it is hashed whatever number of rows is guessed.
create function api_parts.hours(
    event_id uuid, zones text[], first timestamptz, last timestamptz, zeros boolean, fill boolean
) returns setof api_parts.point language sql stable as $$
    with priced as materialized (
        select
            rollup.hour, rollup.zone, true as observed,
            rollup.min_price, rollup.avg_price, rollup.max_price, rollup.min_all_in_price,
            rollup.min_price_1ticket, rollup.min_price_2tickets, rollup.min_price_4tickets,
            rollup.total_tickets, rollup.total_listings, rollup.avg_tickets, rollup.peak_tickets, rollup.min_tickets
        from analytics.aggregated_analytics as rollup
        where rollup.event_id = $1 and rollup.zone = any($2) and rollup.hour >= $3 and rollup.hour <= $4
    )

    select * from priced
    union all
    select
        hours.hour, zones.name, hours.observed, null, null, null, null, null, null, null,
        hours.nothing, hours.nothing, hours.nothing, hours.nothing, hours.nothing
    from (
        select seen.hour, true as observed, 0 as nothing
        from analytics.event_hours as seen
        where ($5 or $6) and seen.event_id = $1 and seen.hour >= $3 and seen.hour <= $4 and seen.ok_captures > 0
        union all
        select series.hour, false, null
        from generate_series(
            date_bin('1 hour', $3 + interval '59 minutes 59.999999 seconds', timestamptz '2000-01-01 00:00Z'),
            least($4, now()), interval '1 hour') as series (hour)
        where $6 and series.hour not in (
            select seen.hour from analytics.event_hours as seen
            where seen.event_id = $1 and seen.hour >= $3 and seen.hour <= $4 and seen.ok_captures > 0)
    ) as hours
    cross join unnest($2) as zones (name)
    where (hours.hour, zones.name) not in (select priced.hour, priced.zone from priced)
$$;

-- As api_parts.hours, by UTC day. A day has no closing count of tickets: it keeps their mean, most and fewest.
create function api_parts.days(
    event_id uuid, zones text[], first timestamptz, last timestamptz, zeros boolean, fill boolean
) returns setof api_parts.point language sql stable as $$
    with priced as materialized (
        select
            rollup.date, rollup.zone, true as observed,
            rollup.daily_min_price, rollup.daily_avg_price, rollup.daily_max_price, rollup.daily_min_all_in_price,
            rollup.daily_min_1ticket, rollup.daily_min_2tickets, rollup.daily_min_4tickets,
            null::integer, null::integer, rollup.avg_tickets, rollup.peak_tickets, rollup.min_tickets
        from analytics.daily_analytics as rollup
        where rollup.event_id = $1 and rollup.zone = any($2)
            and rollup.date >= ($3 at time zone 'UTC')::date and rollup.date <= ($4 at time zone 'UTC')::date
    ),

    points as (
        select * from priced
        union all
        select
            days.date, zones.name, days.observed, null, null, null, null, null, null, null,
            null, null, days.nothing, days.nothing, days.nothing
        from (
            select seen.date, true as observed, 0 as nothing
            from analytics.event_days as seen
            where ($5 or $6) and seen.event_id = $1 and seen.observed_hours > 0
                and seen.date >= ($3 at time zone 'UTC')::date and seen.date <= ($4 at time zone 'UTC')::date
            union all
            select series.day::date, false, null
            from generate_series(
                ($3 at time zone 'UTC')::date::timestamp, least($4, now()) at time zone 'UTC', interval '1 day'
            ) as series (day)
            where $6 and series.day::date not in (
                select seen.date from analytics.event_days as seen
                where seen.event_id = $1 and seen.observed_hours > 0)
        ) as days
        cross join unnest($2) as zones (name)
        where (days.date, zones.name) not in (select priced.date, priced.zone from priced)
    )

    select
        points.date::timestamp at time zone 'UTC', points.zone, points.observed,
        daily_min_price, daily_avg_price, daily_max_price, daily_min_all_in_price,
        daily_min_1ticket, daily_min_2tickets, daily_min_4tickets,
        null::integer, null::integer, avg_tickets, peak_tickets, min_tickets
    from points
$$;

create function api_parts.row_cap() returns integer language sql stable as $$
    select coalesce(nullif(current_setting('tickettape.row_cap', true), ''), (:row_cap)::text)::integer
$$;

-- What every answer about an event asks first: the zones that it is about.
create function api_parts.zones_asked(event_id uuid, zone text, first timestamptz, last timestamptz, max_rows integer)
returns text[] language plpgsql stable as $$
declare
    names text[];
begin
    select array_agg(zones.name) into names
    from market.events left join market.zones
        on zones.event_key = events.event_key and (zones_asked.zone is null or zones.name = zones_asked.zone)
    where events.id = zones_asked.event_id;
    if names is null then
        raise sqlstate 'PT404' using message = format('There is no event %s.', event_id),
            hint = 'GET /api/events lists the events that your key may see.';
    end if;
    if zone is not null and names = array[null::text] then
        raise sqlstate 'PT404' using message = format('Event %s has no zone %L.', event_id, zone),
            hint = 'GET /api/events/{id}/zones lists its zones.';
    end if;
    if first > last then
        raise sqlstate 'PT422' using message = 'start_date is after end_date.',
            hint = 'Both belong to the range; exchange them.';
    end if;
    if max_rows is not null and max_rows not between 1 and api_parts.row_cap() then
        raise sqlstate 'PT422' using message = format('max_rows is %s.', max_rows),
            hint = format('It is at most %s.', api_parts.row_cap());
    end if;
    return array_remove(names, null);
end $$;

-- Zones' points by hour or day, in order, as every answer about an event has them.
create function api_parts.series(
    granularity text, event_id uuid, zone text, start_date timestamptz, end_date timestamptz,
    zeros boolean, fill boolean, after_timestamp timestamptz, after_zone text, max_rows integer
) returns setof api_parts.point language plpgsql stable as $$
#variable_conflict use_column
declare
    zones constant text[] := api_parts.zones_asked(event_id, zone, start_date, end_date, max_rows);
    first constant timestamptz := coalesce(after_timestamp, start_date);
    most constant integer := coalesce(max_rows, api_parts.row_cap() + 1);
    returned bigint;
begin
    if api.granularity(granularity, start_date, end_date) = 'hour' then
        return query
        select * from api_parts.hours(event_id, zones, first, end_date, zeros, fill)
        where after_timestamp is null or ("timestamp", zone) > (after_timestamp, after_zone)
        order by "timestamp", zone limit most;
    else
        return query
        select * from api_parts.days(event_id, zones, first, end_date, zeros, fill)
        where after_timestamp is null or ("timestamp", zone) > (after_timestamp, after_zone)
        order by "timestamp", zone limit most;
    end if;
    get diagnostics returned = row_count;
    if max_rows is null and returned > api_parts.row_cap() then
        raise sqlstate 'PT422' using message = format('The answer has more than %s rows.', api_parts.row_cap()),
            hint = 'Ask for one zone, a shorter range or days; or page with max_rows, after_timestamp and after_zone.';
    end if;
end $$;

create function api.price_trends(
    event_id uuid, zone text default null, start_date timestamptz default now() - interval '7 days',
    end_date timestamptz default now(), granularity text default 'auto', basis text default 'before_fees',
    fill boolean default false,
    after_timestamp timestamptz default null, after_zone text default null, max_rows integer default null
) returns setof api.price_trend language plpgsql stable as $$
#variable_conflict use_variable
begin
    if basis not in ('before_fees', 'all_in') then
        raise sqlstate 'PT422' using message = format('basis is %L.', basis), hint = 'It is before_fees or all_in.';
    end if;
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

create function api.events(
    search text default null, venue text default null, city text default null, category text default null,
    performer text default null, date_from timestamptz default null, date_to timestamptz default null,
    active boolean default null
) returns setof api.events language sql stable as $$
    select * from api.events as found
    where ($1 is null or position(lower($1) in lower(found.name)) > 0)
        and ($2 is null or position(lower($2) in lower(found.venue)) > 0)
        and ($3 is null or lower(found.city) = lower($3))
        and ($4 is null or lower(found.category) = lower($4))
        and ($5 is null or position(lower($5) in lower(found.performer_name)) > 0 or found.performer_id = $5)
        and ($6 is null or found.date >= $6)
        and ($7 is null or found.date <= $7)
        and ($8 is null or found.active = $8)
$$;
comment on function api.events(text, text, text, text, text, timestamptz, timestamptz, boolean) is
    'Events by what their names, venues, cities, categories, performers and dates say; all given must hold';

create function api.event(id uuid) returns setof api.event_detail language sql stable as $$
    select
        found.id, found.source, found.external_id, found.name, found.venue, found.city, found.state, found.country,
        found.venue_time_zone, found.date, found.category, found.performer_id, found.performer_name,
        found.image_url, found.active, found.last_scraped, days.last_ok_at, days.first_date,
        coalesce(zones.zones, 0), coalesce(zones.available_zones, 0), zones.lowest_price,
        coalesce(zones.total_tickets, 0), coalesce(zones.total_listings, 0)
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
    select md5(concat_ws('|',
        event.updated_at, event.last_scraped,
        (select string_agg(versions.rollup || versions.changed_at, '|' order by versions.rollup)
         from market.event_versions as versions where versions.event_id = $1)))
    from market.events as event where event.id = $1
$$;
comment on function api.data_version is 'Changes whenever an answer about the event may change. Null: no such event';

revoke all on all functions in schema api, api_parts from public;
grant select on all tables in schema api to tickettape_reader;
grant execute on all functions in schema api, api_parts to tickettape_reader;
notify pgrst, 'reload schema';
