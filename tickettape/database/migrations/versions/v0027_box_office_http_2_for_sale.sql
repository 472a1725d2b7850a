-- What is for sale, as JSON. Everybody may know it. Lists and pages count with the same functions, and never differ.

-- people see the venue's local time
alter table box_office.stored_events add column venue_time_zone text
constraint events_venue_time_zone check (venue_time_zone ~ '^[A-Za-z][A-Za-z0-9_+/-]{0,63}$');

create index seats_by_price on box_office.stored_seats (event_id, section, price) where status = 'AVAILABLE';

create function box_office.details_of(the_event box_office.stored_events) returns json
language sql stable set search_path = box_office, pg_temp as $$
    select json_build_object(
        'event_id', the_event.id, 'title', the_event.title, 'description', the_event.description,
        'venue', the_event.venue, 'city', nullif(the_event.city, ''), 'country', nullif(the_event.country, ''),
        'category', the_event.category, 'image_url', the_event.image_url, 'start_time', the_event.start_time,
        'end_time', the_event.end_time, 'doors_open_time', the_event.doors_open_time,
        'venue_time_zone', the_event.venue_time_zone,
        'currency', the_event.currency, 'status', the_event.status,
        'has_tiers', exists (select from stored_tiers where event_id = the_event.id),
        'has_seats', exists (select from stored_seats where event_id = the_event.id))
$$;

create function box_office.event_answer(the_event bigint) returns json
language sql stable security definer set search_path = box_office, pg_temp as $$
    select details_of(events) from stored_events as events where id = the_event and status <> 'draft'
$$;

-- the tiers that can be bought now
create function box_office.open_tiers(the_event bigint) returns table (id bigint, price numeric, available integer)
language sql stable security definer set search_path = box_office, pg_temp as $$
    select id, price, quantity - sold - reserved from ticket_tiers
    where event_id = the_event and is_active and coalesce(sale_start_time, '-infinity') <= statement_timestamp()
        and coalesce(sale_end_time, 'infinity') > statement_timestamp()
$$;

create function box_office.left_of(the_event bigint) returns bigint
language sql stable security definer set search_path = box_office, pg_temp as $$
    select coalesce((select sum(available) from open_tiers(the_event)), 0)
        + (select available_seats from events where id = the_event)
$$;

-- seats that are free: also those whose hold has expired
create function box_office.lowest_price_of(the_event bigint) returns numeric
language sql stable security definer set search_path = box_office, pg_temp as $$
    select least(
        (select min(price) from open_tiers(the_event) where available > 0),
        (select min(cheapest.price) from sections_of(the_event) as sections,
            lateral (select seats.price from stored_seats as seats
                     where seats.event_id = the_event and seats.section = sections.section
                         and seats.status = 'AVAILABLE' order by seats.price limit 1) as cheapest),
        (select min(price) from stored_seats
         where event_id = the_event and status = 'HOLD' and held_until <= statement_timestamp()))
$$;

-- Events on sale and still to come, by start. `after` is the last one of the page before.
create function box_office.events_answer(
    search text, the_city text, the_category text, start_from timestamptz, start_to timestamptz,
    after_start timestamptz, after_id bigint, most integer
) returns table (event json, start_time timestamptz, id bigint)
language sql stable security definer set search_path = box_office, pg_temp as $$
    select (details_of(events)::jsonb || jsonb_build_object(
            'tickets_available', left_of(events.id), 'lowest_price', lowest_price_of(events.id)))::json,
        events.start_time, events.id
    from stored_events as events
    where events.status = 'on_sale' and events.start_time > statement_timestamp()
        and (search is null or to_tsvector('simple', title || ' ' || coalesce(description, ''))
            @@ plainto_tsquery('simple', search))
        and (the_city is null or lower(city) = lower(the_city))
        and (the_category is null or lower(category) = lower(the_category))
        and (start_from is null or events.start_time >= start_from)
        and (start_to is null or events.start_time <= start_to)
        and (after_start is null or (events.start_time, events.id) > (after_start, after_id))
    order by events.start_time, events.id limit most
$$;

create function box_office.availability_answer(the_event bigint) returns json
language sql stable security definer set search_path = box_office, pg_temp as $$
    select json_build_object(
        'event_id', events.id, 'as_of', statement_timestamp(),
        'on_sale', events.status = 'on_sale' and events.start_time > statement_timestamp(),
        'tickets_available', left_of(events.id), 'lowest_price', lowest_price_of(events.id),
        'tiers', coalesce((
            select json_agg(json_build_object('tier_id', tiers.id, 'name', tiers.name,
                'description', tiers.description, 'price', tiers.price,
                'available', tiers.quantity - tiers.sold - tiers.reserved, 'min_purchase', tiers.min_purchase,
                'max_purchase', tiers.max_purchase, 'sale_start_time', tiers.sale_start_time,
                'sale_end_time', tiers.sale_end_time,
                'on_sale', exists (select from open_tiers(events.id) as open where open.id = tiers.id))
                order by tiers.position, tiers.price, tiers.id)
            from ticket_tiers as tiers where tiers.event_id = events.id and tiers.is_active), '[]'),
        'sections', coalesce((
            select json_agg(json_build_object('section', section, 'available', free, 'lowest_price', lowest,
                'highest_price', highest) order by section)
            from (select section, count(*) as free, min(price) as lowest, max(price) as highest
                from (select section, price from stored_seats where event_id = the_event and status = 'AVAILABLE'
                      union all
                      select section, price from stored_seats where event_id = the_event and status = 'HOLD'
                          and held_until <= statement_timestamp()) as free_seats
                group by section) as counted), '[]'))
    from stored_events as events where events.id = the_event and events.status <> 'draft'
$$;

-- Changes with the seats and their views, and with nothing that people buy. Null if there is no such event.
create function box_office.seat_map_version(the_event bigint) returns text
language sql stable security definer set search_path = box_office, pg_temp as $$
    select format('%s %s %s', events.id,
        (select coalesce(sum(seats), 0) from seat_deltas where event_id = the_event),
        (select md5(string_agg(views::text, ',' order by id)) from seat_views as views where event_id = the_event))
    from stored_events as events where events.id = the_event and events.status <> 'draft'
$$;

create function box_office.seat_map_answer(the_event bigint) returns json
language sql stable security definer set search_path = box_office, pg_temp as $$
    with of_rows as (
        select section, row_number, count(*) as seats from stored_seats where event_id = the_event
        group by section, row_number),
    of_sections as (
        select section, count(*) as row_count, max(seats) as widest_row, sum(seats) as seats from of_rows
        group by section),
    views as (
        select section, max(view_quality_score) as score, min(distance_to_stage_meters) as distance
        from seat_views where event_id = the_event group by section)
    select json_build_object('event_id', the_event, 'seats', coalesce(sum(seats), 0),
        'sections', coalesce(json_agg(json_build_object('section', section, 'rows', row_count,
            'widest_row', widest_row, 'seats', seats, 'view_quality_score', score,
            'distance_to_stage_meters', distance) order by score desc nulls last, section), '[]'))
    from of_sections left join views using (section)
$$;

create function box_office.section_answer(the_event bigint, the_section text) returns json
language sql stable security definer set search_path = box_office, pg_temp as $$
    select json_build_object('event_id', the_event, 'section', the_section, 'as_of', statement_timestamp(),
        'rows', json_agg(json_build_object('row_number', row_number, 'seats', seats) order by row_rank, row_number))
    from (
        select row_number, row_rank, json_agg(json_build_object('seat_id', id, 'seat_number', seat_number,
            'price', price, 'status', case when held_until <= statement_timestamp() then 'AVAILABLE' else status end)
            order by seat_rank, id) as seats
        from stored_seats
        where event_id = the_event and section = the_section
            and exists (select from stored_events where id = the_event and status <> 'draft')
        group by row_number, row_rank) as of_rows
    having count(*) > 0
$$;

create function box_office.rules_answer() returns json
language sql stable security definer set search_path = box_office, pg_temp as $$
    select json_build_object('hold_seconds', hold_seconds, 'extensions', extensions, 'order_seconds', order_seconds,
        'most_seats', most_seats, 'now', clock_timestamp()) from settings
$$;
