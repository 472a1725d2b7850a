-- The parts of every series: the points of zones by hour or day, including gaps and zeros.

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

-- The hours of zones, as in the rollup. `zeros` adds observed hours without the zone: no price, 0 tickets.
-- `fill` adds those and unobserved hours, of which nothing is known.
-- One plan must suit all arguments (plan_cache_mode). So zones are an array: the rollup's key then serves one zone and
-- all zones. And `not in` is used instead of a join: it is hashed, however many rows the planner expects.
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

-- Like api_parts.hours, by UTC day. A day has no closing count of tickets, but their mean, maximum and minimum.
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

-- PostgREST cuts a response after db-max-rows rows, and does not say so. So a function may return no more than that.
-- SQL sees that setting only if it is set in the database, as docs/supabase.md says; else it may be 1000, as Supabase's.
create function api_parts.postgrest_row_cap() returns integer language sql stable as $$
    select coalesce(
        (select nullif(split_part(setting, '=', 2), '')::integer
         from pg_db_role_setting, unnest(setconfig) as setting
         where setrole = session_user::regrole and starts_with(setting, 'pgrst.db_max_rows=')
             and setdatabase in (0, (select oid from pg_database where datname = current_database()))
         order by setdatabase desc limit 1),
        1000)
$$;

create function api_parts.row_cap() returns integer language sql stable as $$
    select least(
        coalesce(nullif(current_setting('tickettape.row_cap', true), ''), (:row_cap)::text)::integer,
        case when nullif(current_setting('request.method', true), '') is not null
             then api_parts.postgrest_row_cap() end)
$$;

-- Where the reading of a range begins: at its start, or at a page's cursor. Nothing is older than the year 1, and without
-- a beginning `fill` would have no end of gaps to add.
create function api_parts.first_of_page(start_date timestamptz, after_timestamp timestamptz) returns timestamptz
language sql immutable as $$
    select greatest(coalesce($2, $1), timestamptz '0001-01-01 00:00Z')
$$;

create function api_parts.check_max_rows(max_rows integer) returns void language plpgsql stable as $$
begin
    if max_rows not between 1 and api_parts.row_cap() then
        raise sqlstate 'PT422' using message = format('max_rows is %s.', max_rows),
            hint = format('It is at most %s.', api_parts.row_cap());
    end if;
end $$;

-- Without max_rows a response has all rows, or fails: nobody would notice that some are missing.
create function api_parts.check_whole(returned bigint, max_rows integer, what_to_do text) returns void
language plpgsql stable as $$
begin
    if max_rows is null and returned > api_parts.row_cap() then
        raise sqlstate 'PT422' using message = format('The response has more than %s rows.', api_parts.row_cap()),
            hint = what_to_do;
    end if;
end $$;

create function api_parts.check_whole_series(returned bigint, max_rows integer) returns void
language sql stable as $$
    select api_parts.check_whole($1, $2,
        'Ask for one zone, a shorter range or days, or use max_rows, after_timestamp and after_zone for paging.')
$$;

create function api_parts.check_basis(basis text) returns void language plpgsql immutable as $$
begin
    if basis not in ('before_fees', 'all_in') then
        raise sqlstate 'PT422' using message = format('basis is %L.', basis), hint = 'It is before_fees or all_in.';
    end if;
end $$;

-- What is asked for, of six.
create function api_parts.chosen(
    tickets integer, basis text, price_1 anyelement, price_2 anyelement, price_4 anyelement, all_in_price_1 anyelement,
    all_in_price_2 anyelement, all_in_price_4 anyelement
) returns anyelement language sql immutable as $$
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

-- The zones that a question about an event is about. Checks the event, the zone, the range and max_rows.
create function api_parts.zones_asked(event_id uuid, zone text, first timestamptz, last timestamptz, max_rows integer)
returns text[] language plpgsql stable as $$
declare
    names text[];
begin
    select array_agg(zones.name) into names
    from market.events left join market.zones
        on zones.event_key = events.event_key and zones.same_as is null
            and (zones_asked.zone is null or zones.name = zones_asked.zone)
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
            hint = 'Both are included in the range. Swap them.';
    end if;
    perform api_parts.check_max_rows(max_rows);
    return array_remove(names, null);
end $$;

-- The points of zones by hour or day, in order. Every series is made from these.
-- A page is read window by window, so that it costs what it holds, however long the range is. The first window has as
-- many buckets as fill the page if each has a row of each zone, as with `fill`. Two more are for the bucket of the
-- cursor, and for one that has begun. Where rows are missing, the next window is four times as long.
create function api_parts.series(
    granularity text, event_id uuid, zone text, start_date timestamptz, end_date timestamptz,
    zeros boolean, fill boolean, after_timestamp timestamptz, after_zone text, max_rows integer
) returns setof api_parts.point language plpgsql stable as $$
#variable_conflict use_column
declare
    zones constant text[] := api_parts.zones_asked(event_id, zone, start_date, end_date, max_rows);
    most constant integer := coalesce(max_rows, api_parts.row_cap() + 1);
    bucket constant text := api.granularity(granularity, start_date, end_date);
    step constant interval := '1 ' || bucket;
    buckets integer := most / greatest(cardinality(zones), 1) + 2;
    first timestamptz := api_parts.first_of_page(start_date, after_timestamp);
    last timestamptz;
    returned bigint;
    missing bigint := most;
begin
    loop
        last := case when isfinite(first) and isfinite(end_date) then least(end_date, first + buckets * step)
                else end_date end;
        if bucket = 'hour' then
            return query
            select * from api_parts.hours(event_id, zones, first, last, zeros, fill)
            where after_timestamp is null or ("timestamp", zone) > (after_timestamp, after_zone)
            order by "timestamp", zone limit missing;
        else
            return query
            select * from api_parts.days(event_id, zones, first, last, zeros, fill)
            where after_timestamp is null or ("timestamp", zone) > (after_timestamp, after_zone)
            order by "timestamp", zone limit missing;
        end if;
        get diagnostics returned = row_count;
        missing := missing - returned;
        exit when missing = 0 or last = end_date;
        first := date_trunc(bucket, last, 'UTC') + step;
        exit when first > end_date;
        buckets := least(4 * buckets, 10000000);
    end loop;
    perform api_parts.check_whole_series(most - missing, max_rows);
end $$;
