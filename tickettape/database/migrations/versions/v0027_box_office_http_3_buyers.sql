-- What buyers do under an Idempotency-Key, and what they see of theirs: these functions read as the buyer who asks, so
-- that row-level security decides.

create function box_office.once(the_key text, the_request text) returns bigint
language plpgsql security definer set search_path = box_office, pg_temp as $$
begin
    if buyer() is null then
        perform refuse('not_yours', 'Nobody is logged in.');
    end if;
    return claim_request(buyer(), the_key, the_request);
end $$;

create function box_office.extend_once(the_booking bigint, the_key text) returns bigint
language plpgsql security definer set search_path = box_office, pg_temp as $$
begin
    if once(the_key, format('extend %s', the_booking)) is null then
        perform extend(the_booking);
        perform finish_request(buyer(), the_key, the_booking);
    end if;
    return the_booking;
end $$;

create function box_office.cancel_once(the_booking bigint, the_key text) returns bigint
language plpgsql security definer set search_path = box_office, pg_temp as $$
begin
    if once(the_key, format('cancel booking %s', the_booking)) is null then
        perform cancel(the_booking);
        perform finish_request(buyer(), the_key, the_booking);
    end if;
    return the_booking;
end $$;

create function box_office.cancel_order_once(the_order bigint, the_key text) returns bigint
language plpgsql security definer set search_path = box_office, pg_temp as $$
begin
    if once(the_key, format('cancel order %s', the_order)) is null then
        perform cancel_order(the_order);
        perform finish_request(buyer(), the_key, the_order);
    end if;
    return the_order;
end $$;

-- Said again under its key, it is the same payment, also if that has failed.
create function box_office.start_payment_once(
    the_order bigint, the_booking bigint, the_provider text, the_key text
)
returns box_office.payments language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    earlier constant bigint := once(the_key, format('pay %s %s', the_order, the_booking));
    payment payments;
begin
    if earlier is null then
        payment := start_payment(the_order, the_booking, the_provider);
        perform finish_request(buyer(), the_key, payment.id);
    else
        select * into payment from payments where id = earlier;
    end if;
    return payment;
end $$;

create function box_office.join_waitlist_once(
    the_event bigint, the_tier bigint, how_many integer, the_section text, most_price numeric, the_key text
) returns bigint language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    entry bigint := once(the_key, format('wait %s %s %s %s %s', the_event, the_tier, how_many, the_section, most_price));
    the_title text;
begin
    if entry is null then
        select title into the_title from stored_events
        where id = the_event and status in ('on_sale', 'off_sale') and start_time > clock_timestamp();
        if not found then
            perform refuse('unknown', format('There is no event %s to wait for.', the_event));
        elsif the_tier is not null
            and not exists (select from stored_tiers where id = the_tier and event_id = the_event) then
            perform refuse('unknown', format('There is no tier %s of %s.', the_tier, the_title));
        end if;
        entry := join_waitlist(buyer(), the_event, the_tier, how_many, the_section, most_price);
        perform finish_request(buyer(), the_key, entry);
    end if;
    return entry;
end $$;

create function box_office.leave_waitlist(the_entry bigint, the_key text) returns bigint
language plpgsql security definer set search_path = box_office, pg_temp as $$
begin
    if once(the_key, format('leave %s', the_entry)) is null then
        delete from offers using waitlist
        where waitlist.id = the_entry and waitlist.user_id = buyer() and offers.waitlist_id = the_entry;
        delete from waitlist where id = the_entry and user_id = buyer();
        if not found then
            perform refuse('unknown', format('You have no waitlist entry %s.', the_entry));
        end if;
        perform finish_request(buyer(), the_key, the_entry);
    end if;
    return the_entry;
end $$;

create function box_office.seconds_until(instant timestamptz) returns numeric language sql volatile as $$
    select round(greatest(0, extract(epoch from instant - clock_timestamp())), 1)
$$;

create function box_office.given_back_of(the_order bigint, the_booking bigint) returns numeric
language sql stable set search_path = box_office, pg_temp as $$
    select coalesce(sum(refunds.amount), 0) from payments inner join refunds on refunds.payment_id = payments.id
    where (payments.order_id = the_order or payments.booking_id = the_booking) and refunds.status <> 'failed'
$$;

-- what has expired is told so, whether or not it was ended already
create function box_office.order_answer(the_order bigint) returns json
language plpgsql volatile set search_path = box_office, pg_temp as $$
declare
    it orders;
    live boolean;
begin
    select * into it from orders where id = the_order;
    if not found then
        perform refuse('unknown', format('You have no order %s.', the_order));
    end if;
    live := it.status = 'pending' and it.expires_at > clock_timestamp();
    return json_build_object('order_id', it.id, 'event_id', it.event_id,
        'event_title', (select title from events where id = it.event_id),
        'status', case when it.status = 'pending' and not live then 'expired' else it.status end,
        'subtotal', it.subtotal, 'service_fee', it.service_fee, 'tax', it.tax, 'total_amount', it.total_amount,
        'currency', it.currency, 'expires_at', case when live then it.expires_at end,
        'seconds_left', case when live then seconds_until(it.expires_at) end,
        'created_at', it.created_at, 'paid_at', it.paid_at, 'refunded', given_back_of(it.id, null),
        'lines', (select json_agg(json_build_object('tier_id', items.tier_id, 'tier', tiers.name,
            'quantity', items.quantity, 'unit_price', items.unit_price) order by items.id)
            from order_items as items inner join ticket_tiers as tiers on tiers.id = items.tier_id
            where items.order_id = it.id),
        'tickets', case when it.paid_at is null then json_build_array() else coalesce((
            select json_agg(id order by id) from tickets where order_id = it.id), '[]') end);
end $$;

create function box_office.booking_answer(the_booking bigint) returns json
language plpgsql volatile set search_path = box_office, pg_temp as $$
declare
    it bookings;
    live boolean;
begin
    select * into it from bookings where id = the_booking;
    if not found then
        perform refuse('unknown', format('You have no booking %s.', the_booking));
    end if;
    live := it.status = 'HOLD' and it.hold_expires_at > clock_timestamp();
    return json_build_object('booking_id', it.id, 'event_id', it.event_id,
        'event_title', (select title from events where id = it.event_id),
        'status', case when it.status = 'HOLD' and not live then 'EXPIRED' else it.status::text end,
        'total_amount', it.total_amount, 'currency', it.currency,
        'hold_expires_at', case when live then it.hold_expires_at end,
        'seconds_left', case when live then seconds_until(it.hold_expires_at) end,
        'extensions_left', case when live then extensions_left(it.extensions) else 0 end,
        'created_at', it.created_at, 'confirmed_at', it.confirmed_at, 'refunded', given_back_of(null, it.id),
        'seats', (select json_agg(json_build_object('seat_id', seats.id, 'section', seats.section,
            'row_number', seats.row_number, 'seat_number', seats.seat_number, 'price', lines.price_at_booking)
            order by lines.id)
            from booking_seats as lines inner join event_seats as seats on seats.id = lines.seat_id
            where lines.booking_id = it.id),
        'tickets', case when it.confirmed_at is null then json_build_array() else coalesce((
            select json_agg(id order by id) from tickets where booking_id = it.id), '[]') end);
end $$;

create function box_office.extensions_left(extended integer) returns integer
language sql stable security definer set search_path = box_office, pg_temp as $$
    select greatest(0, extensions - extended) from settings
$$;

create function box_office.orders_answer(most integer) returns json
language sql volatile set search_path = box_office, pg_temp as $$
    select json_build_object('data', coalesce(json_agg(order_answer(id) order by id desc), '[]'))
    from (select id from orders where user_id = buyer() order by id desc limit most) as newest
$$;

create function box_office.bookings_answer(most integer) returns json
language sql volatile set search_path = box_office, pg_temp as $$
    select json_build_object('data', coalesce(json_agg(booking_answer(id) order by id desc), '[]'))
    from (select id from bookings where user_id = buyer() order by id desc limit most) as newest
$$;

create function box_office.zone_of(the_event bigint) returns text
language sql stable security definer set search_path = box_office, pg_temp as $$
    select venue_time_zone from stored_events where id = the_event
$$;

create function box_office.tickets_answer(the_ticket bigint, only_upcoming boolean, most integer) returns json
language sql stable set search_path = box_office, pg_temp as $$
    select json_build_object('data', coalesce(json_agg(json_build_object(
        'ticket_id', mine.ticket_id, 'ticket_code', mine.ticket_code, 'qr_code', mine.qr_code,
        'status', mine.ticket_status, 'price', mine.price, 'currency', mine.currency, 'event_id', mine.event_id,
        'event_title', mine.event_title, 'event_start_time', mine.event_start_time, 'venue', mine.venue,
        'city', nullif(mine.city, ''), 'venue_time_zone', zone_of(mine.event_id), 'tier', mine.tier, 'section', mine.section, 'row', mine.row, 'seat', mine.seat,
        'order_id', mine.order_id, 'booking_id', mine.booking_id)
        order by mine.event_start_time, mine.ticket_id), '[]'))
    from (
        select summary.*, tickets.qr_code, tickets.price, tickets.order_id, tickets.booking_id, events.city,
            events.currency
        from user_tickets_summary as summary
        inner join tickets on tickets.id = summary.ticket_id
        inner join events on events.id = summary.event_id
        where summary.user_id = buyer() and summary.ticket_id = coalesce(the_ticket, summary.ticket_id)
            and (not only_upcoming
                or summary.event_start_time > statement_timestamp() and summary.ticket_status = 'valid')
        order by summary.event_start_time, summary.ticket_id limit most) as mine
$$;

-- how many of an event's queue are before a place in it; others' entries are not shown, only counted
create function box_office.people_before(the_event bigint, the_position bigint) returns bigint
language sql stable security definer set search_path = box_office, pg_temp as $$
    select count(*) from waitlist where event_id = the_event and not notified and position < the_position
$$;

create function box_office.waitlist_answer(the_entry bigint) returns json
language sql volatile set search_path = box_office, pg_temp as $$
    select json_build_object('data', coalesce(json_agg(json_build_object(
        'waitlist_id', mine.id, 'event_id', mine.event_id, 'event_title', events.title, 'tier_id', mine.tier_id,
        'quantity', mine.quantity, 'section_preference', mine.section_preference, 'max_price', mine.max_price,
        'place', 1 + people_before(mine.event_id, mine.position), 'notified', mine.notified,
        'offer', case when offers.id is not null then json_build_object('order_id', offers.order_id,
            'booking_id', offers.booking_id, 'expires_at', offers.expires_at,
            'seconds_left', seconds_until(offers.expires_at)) end,
        'created_at', mine.created_at) order by mine.id desc), '[]'))
    from waitlist as mine inner join events on events.id = mine.event_id
    left join offers on offers.waitlist_id = mine.id
    where mine.user_id = buyer() and mine.id = coalesce(the_entry, mine.id)
$$;
