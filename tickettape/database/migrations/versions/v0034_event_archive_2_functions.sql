-- What the functions of payments and retention do about events that are archived.

-- Null, or why the booking cannot be fulfilled. One that expired takes its seats again if they are free.
create or replace function box_office.pay_booking(the_booking bigint, the_payment text) returns text
language plpgsql set search_path = box_office, pg_temp as $$
declare
    booking bookings;
    seats bigint[];
begin
    select * into booking from bookings where id = the_booking;
    if not found then
        return 'the event is long over';
    elsif booking.status not in ('HOLD', 'EXPIRED') then
        return format('the booking is %s', booking.status);
    elsif (select status from stored_events where id = booking.event_id) in ('cancelled', 'ended') then
        return 'the event does not take place any more';
    end if;
    if booking.status = 'EXPIRED' then
        seats := (select array_agg(seat_id order by seat_id) from booking_seats where booking_id = the_booking);
        perform pg_advisory_xact_lock(lock_of(booking.event_id), 0);
        perform release_expired_seats(seats);
        perform from stored_seats where id = any(seats) order by id for update;
        if exists (select from stored_seats where id = any(seats) and status <> 'AVAILABLE') then
            return 'the booking had expired, and its seats were sold';
        end if;
        update booking_seats set released_at = null where booking_id = the_booking;
        update stored_seats set current_booking_id = the_booking where id = any(seats);
    end if;
    perform issue_seats(booking, the_payment);
    return null;
end $$;

create or replace function box_office.give_back(
    the_payment bigint, the_amount numeric, the_kind text, why text
) returns bigint language plpgsql set search_path = box_office, pg_temp as $$
declare
    payment payments;
    made bigint;
begin
    select * into payment from payments where id = the_payment for no key update;
    if the_amount > payment.amount - given_back(the_payment) then
        perform refuse('state', format('Payment %s has less than %s left.', the_payment, the_amount));
    end if;
    insert into refunds (payment_id, amount, currency, kind, reason, status)
    values (the_payment, the_amount, payment.currency, the_kind, why,
        case payment.provider when 'counter' then 'succeeded' else 'requested' end) returning id into made;
    insert into notifications (user_id, kind, order_id, booking_id, amount)
    select coalesce(orders.user_id, bookings.user_id, archived.user_id), 'payment_' || the_kind, orders.id,
        bookings.id, the_amount
    from payments left join orders on orders.id = payments.order_id
    left join bookings on bookings.id = payments.booking_id
    left join archived_bookings as archived on archived.id = payments.booking_id where payments.id = the_payment;
    return made;
end $$;

-- What an event has sold stays as it was archived: who gives money back restores the event first.
create or replace function box_office.refund(
    the_order bigint, the_booking bigint, the_tickets bigint[] default null, why text default 'asked for'
) returns numeric language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    owed numeric;
    amount numeric;
    part numeric;
    whole boolean;
    one record;
    back bigint[];
    archived bigint;
begin
    perform from orders where id = the_order for no key update;
    perform from bookings where id = the_booking for no key update;
    select events.id into archived from stored_events as events
    where events.archived_at is not null and (
        events.id = (select event_id from orders where id = the_order)
        or events.id = (select event_id from archived_bookings where id = the_booking));
    if found then
        perform refuse('state', format('Event %s is in cold storage. Restore it first.', archived));
    end if;
    back := (
        select array_agg(id) from tickets
        where (order_id = the_order or booking_id = the_booking) and status = 'valid'
            and (the_tickets is null or id = any(the_tickets)));
    if back is null or cardinality(back) < cardinality(the_tickets) then
        perform refuse('state', 'These tickets are no longer valid, or do not belong to this order.');
    end if;
    whole := not exists (
        select from tickets where (order_id = the_order or booking_id = the_booking) and status in ('valid', 'used')
            and not id = any(back));
    select coalesce(sum(payments.amount - given_back(payments.id)), 0) into owed from payments
    where (order_id = the_order or booking_id = the_booking) and status = 'succeeded';
    amount := case when whole then owed else least(owed, (select sum(price) from tickets where id = any(back))) end;
    owed := amount;
    for one in
        select id, payments.amount - given_back(id) as left_over from payments
        where (order_id = the_order or booking_id = the_booking) and status = 'succeeded' order by id desc
    loop
        part := least(owed, one.left_over);
        if part > 0 then
            perform give_back(one.id, part, 'refund', why);
            owed := owed - part;
        end if;
    end loop;
    perform take_back(the_order, the_booking, back, whole);
    return amount;
end $$;

-- The provider has given back this much of a payment in all, perhaps on its own. An order or booking stays whole as long
-- as it is paid for. Of what is in cold storage, only the money is noted.
create or replace function box_office.payment_refunded(the_payment bigint, in_all numeric) returns text
language plpgsql set search_path = box_office, pg_temp as $$
declare
    payment payments;
    more numeric;
    total numeric;
    paid numeric;
begin
    select * into payment from payments where id = the_payment;
    if payment.status <> 'succeeded' then
        perform payment_succeeded(the_payment, payment.amount, payment.currency);
    end if;
    perform from orders where id = payment.order_id for no key update;
    perform from bookings where id = payment.booking_id for no key update;
    select * into payment from payments where id = the_payment for no key update;
    more := least(in_all, payment.amount) - given_back(the_payment);
    if more <= 0 then
        return 'known';
    end if;
    insert into refunds (payment_id, amount, currency, kind, reason, status)
    values (the_payment, more, payment.currency, 'refund', 'given back by the provider', 'succeeded');
    if exists (select from archived_bookings where id = payment.booking_id) then
        return 'refunded';
    end if;
    select sum(amount - given_back(id)) into paid from payments
    where (order_id = payment.order_id or booking_id = payment.booking_id) and status = 'succeeded';
    total := coalesce((select total_amount from orders where id = payment.order_id),
        (select total_amount from bookings where id = payment.booking_id));
    if paid >= total then
        return 'whole';
    elsif paid > 0 then
        update orders set status = 'partially_refunded' where id = payment.order_id and status = 'paid';
        return 'partly refunded';
    end if;
    perform take_back(payment.order_id, payment.booking_id, (
        select array_agg(id) from tickets where (order_id = payment.order_id or booking_id = payment.booking_id)
            and status in ('valid', 'used')), true);
    return 'refunded';
end $$;

-- Retention: notifications 1 year, deleted users 90 days (those with orders are erased), audit log and payments 7 years.
-- Payments end only with an archived event, which keeps what it has sold.
create or replace function box_office.forget_old() returns void
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    one bigint;
    old bigint[];
begin
    delete from notifications where created_at < now() - interval '1 year';
    delete from audit_log where at < now() - interval '7 years';
    for one in select id from users where deleted_at < now() - interval '90 days' and erased_at is null loop
        begin
            delete from users where id = one;
        exception when foreign_key_violation or restrict_violation then
            perform erase_user(one);
        end;
    end loop;
    old := (
        select array_agg(payments.id)
        from payments
        left join orders on orders.id = payments.order_id
        left join archived_bookings as booked on booked.id = payments.booking_id
        inner join stored_events as events on events.id = coalesce(orders.event_id, booked.event_id)
        where payments.created_at < now() - interval '7 years' and events.archived_at is not null
            and not exists (
                select from refunds where payment_id = payments.id and refunds.updated_at >= now() - interval '7 years'));
    delete from payment_events where payment_id = any(old);
    delete from refunds where payment_id = any(old);
    delete from payments where id = any(old);
    delete from payment_events where payment_id is null and received_at < now() - interval '7 years';
    delete from simulated_ledger where created_at < now() - interval '7 years';
end $$;

-- What must never be: rows here are faults, for the nightly check and for tests. Nothing in flight is one.
create or replace function box_office.discrepancies() returns table (fault text, id bigint, found numeric, expected numeric)
language sql stable security definer set search_path = box_office, pg_temp as $$
    with stock as (
        select tiers.id, tiers.quantity, coalesce(sum(free), 0) as free, coalesce(sum(reserved), 0) as reserved,
            coalesce(sum(sold), 0) as sold
        from stored_tiers as tiers left join tier_stock as stock on stock.tier_id = tiers.id group by tiers.id),
    issued as (
        select stock.id,
            (select count(*) from tickets where tier_id = stock.id and status in ('valid', 'used')) as tickets,
            (select coalesce(sum(items.reserved), 0) from order_items as items where tier_id = stock.id) as reserved
        from stock),
    money as (
        select 'order' as of_what, orders.id, orders.total_amount, status in ('paid', 'partially_refunded') as holds,
            status = 'refunded' as gone, (select coalesce(sum(amount - given_back(payments.id)), 0) from payments
            where order_id = orders.id and payments.status = 'succeeded') as paid,
            (select count(*) from tickets where order_id = orders.id and tickets.status in ('valid', 'used'))
                as tickets from orders
        where coalesce(paid_at, created_at) > now() - interval '7 years'
            or (select archived_at from stored_events where id = event_id) is null
        union all
        select 'booking', bookings.id, bookings.total_amount, status = 'CONFIRMED', status <> 'CONFIRMED',
            (select coalesce(sum(amount - given_back(payments.id)), 0) from payments
             where booking_id = bookings.id and payments.status = 'succeeded'),
            (select count(*) from tickets where booking_id = bookings.id and tickets.status in ('valid', 'used'))
        from bookings)
    select 'a tier''s free, reserved and sold are not its quantity', stock.id, free + reserved + sold, quantity
    from stock where free + reserved + sold <> quantity
    union all
    select 'a tier''s sold is not its tickets', stock.id, sold, tickets from stock inner join issued using (id)
    where sold <> tickets
    union all
    select 'a tier''s reserved is not what orders reserve', stock.id, stock.reserved, issued.reserved
    from stock inner join issued using (id) where stock.reserved <> issued.reserved
    union all
    select 'an event''s count of seats is wrong', events.id,
        (select coalesce(sum(available), 0) from seat_deltas where event_id = events.id), counted.seats
    from stored_events as events, lateral (
        select count(*) as seats from stored_seats where event_id = events.id and status = 'AVAILABLE') as counted
    where (select coalesce(sum(available), 0) from seat_deltas where event_id = events.id) <> counted.seats
    union all
    select 'a seat and its booking disagree', seats.id, null, null
    from stored_seats as seats left join booking_seats as lines on lines.seat_id = seats.id and released_at is null
    left join bookings on bookings.id = lines.booking_id
    where lines.booking_id is distinct from seats.current_booking_id
        or seats.status <> case bookings.status when 'HOLD' then 'HOLD' when 'CONFIRMED' then 'BOOKED'
            else case when seats.status = 'HOLD' then 'HOLD' else 'AVAILABLE' end end::seat_status
    union all
    select 'tickets without payment: ' || of_what, money.id, paid, total_amount from money
    where holds and tickets > 0 and paid <= 0 and total_amount > 0
    union all
    select 'money without tickets: ' || of_what, money.id, paid, 0 from money where tickets = 0 and paid > 0
        and not exists (select from tickets where tickets.order_id = money.id and of_what = 'order')
    union all
    select 'paid more than it costs: ' || of_what, money.id, paid, total_amount from money where paid > total_amount
    union all
    select 'tickets of what is not paid: ' || of_what, money.id, tickets, 0 from money where not holds and tickets > 0
$$;

revoke all on all functions in schema box_office from public;
