-- What promoters do with their own events. Each of these functions checks whose event it is; another's looks like one that
-- does not exist. What the caller gives as `fields` has the names of columns: what is not named stays.

create function box_office.check_seller(the_event bigint) returns void
language plpgsql stable security definer set search_path = box_office, pg_temp as $$
begin
    if not exists (
        select from stored_events as events inner join promoters on promoters.id = events.promoter_id
        where events.id = the_event and promoters.user_id = buyer()) then
        perform refuse('unknown', format('You have no event %s.', the_event));
    end if;
end $$;

create function box_office.check_tier_of(the_event bigint, the_tier bigint) returns void
language plpgsql stable security definer set search_path = box_office, pg_temp as $$
begin
    perform check_seller(the_event);
    if not exists (select from stored_tiers where id = the_tier and event_id = the_event) then
        perform refuse('unknown', format('Event %s has no tier %s.', the_event, the_tier));
    end if;
end $$;

create function box_office.create_promoter_event(fields jsonb, the_key text) returns bigint
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    made bigint := once(the_key, format('create event %s', fields));
begin
    if made is null then
        insert into events (promoter_id, title, description, venue, city, country, category, image_url, start_time,
            end_time, doors_open_time, capacity, currency, status)
        select (select id from promoters where user_id = buyer()), title, description, venue, city, country, category,
            image_url, start_time, end_time, doors_open_time, capacity, currency, 'draft'
        from jsonb_populate_record(null::stored_events, fields) returning id into made;
        update stored_events set venue_time_zone = fields ->> 'venue_time_zone' where id = made;
        perform finish_request(buyer(), the_key, made);
    end if;
    return made;
end $$;

create function box_office.change_promoter_event(the_event bigint, fields jsonb, the_key text) returns bigint
language plpgsql security definer set search_path = box_office, pg_temp as $$
begin
    perform check_seller(the_event);
    if once(the_key, format('change event %s %s', the_event, fields)) is null then
        update stored_events as events
        set title = new.title, description = new.description, venue = new.venue, city = coalesce(new.city, ''),
            country = coalesce(new.country, ''), category = new.category, image_url = new.image_url,
            venue_time_zone = new.venue_time_zone, start_time = new.start_time, end_time = new.end_time, doors_open_time = new.doors_open_time,
            capacity = new.capacity, status = new.status
        from stored_events as old, jsonb_populate_record(old, fields) as new
        where events.id = the_event and old.id = the_event;
        perform finish_request(buyer(), the_key, the_event);
    end if;
    return the_event;
end $$;

create function box_office.add_promoter_tier(the_event bigint, fields jsonb, the_key text) returns bigint
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    made bigint;
begin
    perform check_seller(the_event);
    made := once(the_key, format('add tier %s %s', the_event, fields));
    if made is null then
        insert into ticket_tiers (event_id, name, description, price, quantity, min_purchase, max_purchase,
            sale_start_time, sale_end_time)
        select the_event, name, description, price, quantity, min_purchase, max_purchase, sale_start_time,
            sale_end_time
        from jsonb_populate_record(null::stored_tiers, fields) returning id into made;
        perform finish_request(buyer(), the_key, made);
    end if;
    return made;
end $$;

create function box_office.change_promoter_tier(
    the_event bigint, the_tier bigint, the_price numeric, the_quantity integer, active boolean, the_reason text,
    the_key text
) returns bigint language plpgsql security definer set search_path = box_office, pg_temp as $$
begin
    perform check_tier_of(the_event, the_tier);
    if once(the_key, format('change tier %s %s %s %s', the_tier, the_price, the_quantity, active)) is null then
        if the_quantity is not null then
            perform change_capacity(the_tier, the_quantity);
        end if;
        if the_price is not null and the_price <> (select price from stored_tiers where id = the_tier) then
            perform change_tier_price(the_tier, the_price, the_reason);
        end if;
        update stored_tiers set is_active = active where id = the_tier and is_active <> active;
        perform finish_request(buyer(), the_key, the_tier);
    end if;
    return the_tier;
end $$;

-- All of them or none. Ends with fresh statistics, without which holds are slow. Returns how many there are.
create function box_office.add_promoter_seats(
    the_event bigint, sections text[], rows text[], numbers text[], prices numeric[], the_key text
) returns bigint language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    added bigint;
begin
    perform check_seller(the_event);
    added := once(the_key, format('add seats %s %s', the_event, md5(format('%s%s%s%s', sections, rows, numbers, prices))));
    if added is null then
        insert into stored_seats (event_id, section, row_number, seat_number, base_price)
        select the_event, section, row_number, seat_number, price
        from unnest(sections, rows, numbers, prices) as given (section, row_number, seat_number, price)
        order by section, rank_of(row_number), rank_of(seat_number);
        get diagnostics added = row_count;
        perform finish_request(buyer(), the_key, added);
        analyze stored_seats;
    end if;
    return added;
end $$;

create function box_office.change_promoter_prices(
    the_event bigint, the_multiplier numeric, the_section text, the_reason text, the_key text
) returns bigint language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    changed bigint;
begin
    perform check_seller(the_event);
    changed := once(the_key, format('prices %s %s %s', the_event, the_multiplier, the_section));
    if changed is null then
        changed := change_prices(the_event, the_multiplier, the_reason, the_section);
        perform finish_request(buyer(), the_key, changed);
    end if;
    return changed;
end $$;

-- Returns the amount. A refund that is said again under its key is the same one.
create function box_office.refund_promoter_sale(
    the_event bigint, the_order bigint, the_booking bigint, the_tickets bigint[], the_reason text, the_key text
) returns json language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    the_request constant text := format('refund %s %s %s', the_order, the_booking, the_tickets);
    cents bigint;
begin
    perform check_seller(the_event);
    if the_event is distinct from coalesce(
        (select event_id from orders where id = the_order), (select event_id from bookings where id = the_booking)) then
        perform refuse('unknown', format('Event %s has no such order or booking.', the_event));
    end if;
    cents := once(the_key, the_request);
    if cents is null then
        cents := (refund(the_order, the_booking, the_tickets, the_reason) * 100)::bigint;
        perform finish_request(buyer(), the_key, cents);
    end if;
    return json_build_object('amount', (cents / 100.0)::numeric(12, 2),
        'currency', (select currency from stored_events where id = the_event));
end $$;

create function box_office.scan_promoter_ticket(the_event bigint, the_code text, the_key text) returns bigint
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    ticket bigint;
begin
    perform check_seller(the_event);
    ticket := once(the_key, format('scan %s %s', the_event, the_code));
    if ticket is null then
        ticket := scan_ticket(the_code, the_event);
        perform finish_request(buyer(), the_key, ticket);
    end if;
    return ticket;
end $$;

-- volatile, to see what the same statement has made
create function box_office.promoter_events_answer(the_event bigint default null) returns json
language plpgsql volatile security definer set search_path = box_office, pg_temp as $$
begin
    if the_event is not null then
        perform check_seller(the_event);
    end if;
    return (
        select json_build_object('data', coalesce(json_agg((details_of(events)::jsonb || jsonb_build_object(
            'capacity', events.capacity, 'tickets_sold', summary.tickets_sold,
            'tickets_available', summary.tickets_available, 'gross', summary.gross, 'refunds', summary.refunds,
            'net', summary.net, 'service_fees', summary.service_fees, 'sell_through', summary.sell_through,
            'last_sale_at', summary.last_sale_at)) order by events.start_time, events.id), '[]'))
        from stored_events as events inner join event_sales_summary as summary on summary.event_id = events.id
        where events.promoter_id = (select id from promoters where user_id = buyer())
            and events.id = coalesce(the_event, events.id));
end $$;

create function box_office.promoter_tiers_answer(the_event bigint, the_tier bigint default null) returns json
language plpgsql volatile security definer set search_path = box_office, pg_temp as $$
begin
    perform check_seller(the_event);
    return (
        select json_build_object('data', coalesce(json_agg(json_build_object('tier_id', tiers.id, 'name', tiers.name,
            'price', tiers.price, 'quantity', tiers.quantity, 'sold', tiers.sold, 'reserved', tiers.reserved,
            'available', tiers.quantity - tiers.sold - tiers.reserved, 'is_active', tiers.is_active,
            'revenue', (select coalesce(sum(tickets.price), 0) from tickets
                        where tickets.tier_id = tiers.id and tickets.status in ('valid', 'used')))
            order by tiers.position, tiers.price, tiers.id), '[]'))
        from ticket_tiers as tiers where tiers.event_id = the_event and tiers.id = coalesce(the_tier, tiers.id));
end $$;

create function box_office.promoter_price_changes_answer(the_event bigint, most integer) returns json
language plpgsql stable security definer set search_path = box_office, pg_temp as $$
begin
    perform check_seller(the_event);
    return (
        select json_build_object('data', coalesce(json_agg(json_build_object('changed_at', changed_at,
            'tier_id', tier_id, 'tier', (select name from stored_tiers where id = tier_id), 'section', section,
            'old_price', old_price, 'new_price', new_price, 'multiplier', multiplier, 'seats', seats,
            'reason', reason) order by id desc), '[]'))
        from (select * from price_changes where event_id = the_event order by id desc limit most) as newest);
end $$;

-- Hours are UTC. What was refunded later was sold all the same, and is counted beside it.
create function box_office.promoter_sales_answer(the_event bigint) returns json
language plpgsql stable security definer set search_path = box_office, pg_temp as $$
begin
    perform check_seller(the_event);
    return (
        with sold as (
            select tickets.tier_id, tiers.name as tier, date_trunc('hour', tickets.created_at, 'UTC') as hour,
                tickets.price, tickets.status
            from tickets left join stored_tiers as tiers on tiers.id = tickets.tier_id
            where tickets.event_id = the_event),
        hours as (
            select hour, tier_id, tier, count(*) as tickets, sum(price) as gross from sold
            group by hour, tier_id, tier),
        tiers as (
            select tier_id, tier, count(*) as tickets, sum(price) as gross,
                count(*) filter (where status = 'refunded') as refunded_tickets
            from sold group by tier_id, tier)
        select json_build_object(
            'hours', coalesce((select json_agg(hours order by hour, tier_id nulls first) from hours), '[]'),
            'tiers', coalesce((select json_agg(tiers order by tier_id nulls first) from tiers), '[]')));
end $$;

-- What was paid, newest first, without the people. `after` is the last one of the page before.
create function box_office.promoter_purchases(
    the_event bigint, after_at timestamptz, after_kind text, after_id bigint, most integer
) returns table (purchase json, at timestamptz, kind text, id bigint)
language plpgsql stable security definer set search_path = box_office, pg_temp as $$
begin
    perform check_seller(the_event);
    return query
    with paid as (
        select 'order' as kind, orders.id, orders.status, orders.total_amount, orders.currency, orders.created_at,
            orders.paid_at
        from orders where orders.event_id = the_event and orders.paid_at is not null
        union all
        select 'booking', bookings.id, bookings.status::text, bookings.total_amount, bookings.currency,
            bookings.created_at, bookings.confirmed_at
        from bookings where bookings.event_id = the_event and bookings.confirmed_at is not null)
    select json_build_object(
            'order_id', case when paid.kind = 'order' then paid.id end,
            'booking_id', case when paid.kind = 'booking' then paid.id end,
            'status', paid.status, 'total_amount', paid.total_amount, 'currency', paid.currency,
            'refunded', (
                select coalesce(sum(refunds.amount), 0)
                from payments inner join refunds on refunds.payment_id = payments.id
                where refunds.kind = 'refund' and refunds.status <> 'failed'
                    and (paid.kind = 'order' and payments.order_id = paid.id
                         or paid.kind = 'booking' and payments.booking_id = paid.id)),
            'tickets', (
                select coalesce(json_agg(tickets.id order by tickets.id), '[]') from tickets
                where tickets.event_id = the_event and tickets.status in ('valid', 'used')
                    and (paid.kind = 'order' and tickets.order_id = paid.id
                         or paid.kind = 'booking' and tickets.booking_id = paid.id)),
            'created_at', paid.created_at, 'paid_at', paid.paid_at),
        paid.paid_at, paid.kind, paid.id
    from paid
    where after_at is null or (paid.paid_at, paid.kind, paid.id) < (after_at, after_kind, after_id)
    order by paid.paid_at desc, paid.kind desc, paid.id desc limit most;
end $$;

-- functions may be called by whom they are granted to, which the room does, and by nobody else
revoke all on all functions in schema box_office from public;
