-- Payments. A provider's word is applied once, in whatever order it comes. Money for which nothing can be sold is
-- returned. What a program must still do at the provider is in payments (created, open) and refunds (requested).

-- Begin to pay an order or a booking, or go on with the payment that was begun.
create function box_office.start_payment(the_order bigint, the_booking bigint, the_provider text) returns box_office.payments
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    owed record;
    payment payments;
begin
    if the_booking is null then
        select user_id, total_amount, currency, status = 'pending' and expires_at > clock_timestamp() as live
        into owed from orders where id = the_order for no key update;
    else
        select user_id, total_amount, currency, status = 'HOLD' and hold_expires_at > clock_timestamp() as live
        into owed from bookings where id = the_booking for no key update;
    end if;
    if owed is null then
        perform refuse('unknown', 'There is nothing to pay under this number.');
    end if;
    perform check_buyer(owed.user_id);
    select * into payment from payments
    where (order_id = the_order or booking_id = the_booking) and status in ('created', 'open', 'succeeded')
    order by id limit 1;
    if found then
        return payment;
    end if;
    if owed.live is not true then
        perform refuse('expired', 'It is no longer held and cannot be paid.');
    end if;
    insert into payments (order_id, booking_id, provider, amount, currency)
    values (the_order, the_booking, the_provider, owed.total_amount, owed.currency) returning * into payment;
    if payment.amount = 0 then
        perform payment_succeeded(payment.id, 0, payment.currency);
        select * into payment from payments where id = payment.id;
    end if;
    return payment;
end $$;

create function box_office.payment_opened(the_payment bigint, the_provider_id text) returns void
language sql security definer set search_path = box_office, pg_temp as $$
    update payments set provider_id = the_provider_id, status = case status when 'created' then 'open' else status end
    where id = the_payment
$$;

create function box_office.payment_failed(the_payment bigint, the_status text, the_reason text) returns void
language sql security definer set search_path = box_office, pg_temp as $$
    update payments set status = the_status, reason = the_reason
    where id = the_payment and status in ('created', 'open')
$$;

-- The money is there. Returns what became of it: paid, returned, or known if this was said before.
create function box_office.payment_succeeded(the_payment bigint, the_amount numeric, the_currency text) returns text
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    payment payments;
    why text;
begin
    select * into payment from payments where id = the_payment;
    perform from orders where id = payment.order_id for no key update;
    perform from bookings where id = payment.booking_id for no key update;
    select * into payment from payments where id = the_payment for no key update;
    if payment.status = 'succeeded' then
        return 'known';
    end if;
    update payments set status = 'succeeded', succeeded_at = clock_timestamp(), amount = the_amount,
        currency = the_currency, reason = null where id = the_payment;
    if (the_amount, the_currency) is distinct from (payment.amount, payment.currency::text) then
        why := format('%s %s was to be paid', payment.amount, payment.currency);
    elsif payment.order_id is not null then
        why := pay_order(payment.order_id);
    else
        why := pay_booking(payment.booking_id, payment.provider_id);
    end if;
    if why is null then
        return 'paid';
    end if;
    if the_amount > 0 then
        perform give_back(the_payment, the_amount, 'return', why);
    end if;
    return 'returned';
end $$;

-- Null, or why the order cannot be fulfilled. An order that expired takes its tickets again if they are there.
create function box_office.pay_order(the_order bigint) returns text
language plpgsql set search_path = box_office, pg_temp as $$
declare
    found_order orders;
    line record;
begin
    select * into found_order from orders where id = the_order;
    if found_order.status not in ('pending', 'expired') then
        return format('the order is %s', found_order.status);
    elsif (select status from stored_events where id = found_order.event_id) in ('cancelled', 'ended') then
        return 'the event does not take place any more';
    end if;
    perform issue_tickets(found_order);
    update orders set status = 'paid', paid_at = clock_timestamp(), expires_at = null where id = the_order;
    for line in
        select tier_id, sum(quantity)::integer as quantity, sum(reserved)::integer as reserved from order_items
        where order_id = the_order group by tier_id order by tier_id
    loop
        perform write_stock(line.tier_id, line.reserved - line.quantity, -line.reserved, line.quantity);
    end loop;
    update order_items set reserved = 0 where order_id = the_order and reserved > 0;
    return null;
exception when sqlstate 'PT409' or sqlstate 'PT422' then
    return format('the order cannot be fulfilled: %s', sqlerrm);
end $$;

create function box_office.pay_booking(the_booking bigint, the_payment text) returns text
language plpgsql set search_path = box_office, pg_temp as $$
declare
    booking bookings;
    seats bigint[];
begin
    select * into booking from bookings where id = the_booking;
    if booking.status not in ('HOLD', 'EXPIRED') then
        return format('the booking is %s', booking.status);
    elsif (select status from stored_events where id = booking.event_id) in ('cancelled', 'ended') then
        return 'the event does not take place any more';
    end if;
    if booking.status = 'EXPIRED' then
        seats := (select array_agg(seat_id order by seat_id) from booking_seats where booking_id = the_booking);
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

-- Ask for money to be given back, never more than was paid. A program then does it at the provider; what was paid at the
-- counter is given back there.
create function box_office.give_back(the_payment bigint, the_amount numeric, the_kind text, why text) returns bigint
language plpgsql set search_path = box_office, pg_temp as $$
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
    select coalesce(orders.user_id, bookings.user_id), 'payment_' || the_kind, orders.id, bookings.id, the_amount
    from payments left join orders on orders.id = payments.order_id
    left join bookings on bookings.id = payments.booking_id where payments.id = the_payment;
    return made;
end $$;

create function box_office.given_back(the_payment bigint) returns numeric
language sql stable set search_path = box_office, pg_temp as $$
    select coalesce(sum(amount), 0) from refunds where payment_id = the_payment and status <> 'failed'
$$;

-- Take tickets back, all that are valid or those named, and ask for their money to be given back. Returns the amount.
create function box_office.refund(
    the_order bigint, the_booking bigint, the_tickets bigint[] default null, why text default 'asked for'
) returns numeric language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    owed numeric;
    amount numeric;
    part numeric;
    whole boolean;
    one record;
    back bigint[];
begin
    perform from orders where id = the_order for no key update;
    perform from bookings where id = the_booking for no key update;
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

-- The tickets are valid no more, and what they were for is free. The caller has locked the order or the booking.
create function box_office.take_back(the_order bigint, the_booking bigint, the_tickets bigint[], whole boolean)
returns void language plpgsql set search_path = box_office, pg_temp as $$
declare
    one record;
begin
    update tickets set status = 'refunded' where id = any(the_tickets);
    if the_booking is not null and whole then
        perform end_booking(the_booking, 'CANCELLED');
    elsif the_booking is not null then
        update booking_seats set released_at = clock_timestamp()
        where booking_id = the_booking and released_at is null
            and seat_id in (select seat_id from tickets where id = any(the_tickets));
        update stored_seats set status = 'AVAILABLE', current_booking_id = null, version = version + 1
        where current_booking_id = the_booking
            and id in (select seat_id from tickets where id = any(the_tickets));
    else
        update orders set status = case when whole then 'refunded' else 'partially_refunded' end where id = the_order;
        for one in
            select tier_id, count(*)::integer as number from tickets where id = any(the_tickets)
            group by tier_id order by tier_id
        loop
            perform write_stock(one.tier_id, one.number, 0, -one.number);
        end loop;
    end if;
end $$;

-- What a provider says, once for each of its events. Returns what became of it.
create function box_office.note_payment_event(
    the_provider text, the_event_id text, the_type text, the_payment bigint, the_provider_id text,
    the_amount numeric, the_currency text
) returns text language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    event bigint;
    payment bigint;
    said text;
begin
    insert into payment_events (provider, provider_event_id, type) values (the_provider, the_event_id, the_type)
    on conflict do nothing returning id into event;
    if event is null then
        return 'known';
    end if;
    select id into payment from payments
    where provider = the_provider and (provider_id = the_provider_id or id = the_payment and provider_id is null)
    order by provider_id nulls last limit 1;
    if payment is null then
        said := 'unknown payment';
    else
        perform payment_opened(payment, the_provider_id);
        said := case the_type
            when 'succeeded' then payment_succeeded(payment, the_amount, the_currency)
            when 'refunded' then payment_refunded(payment, the_amount)
            when 'failed' then 'failed' when 'cancelled' then 'cancelled' else 'ignored' end;
        if said in ('failed', 'cancelled') then
            perform payment_failed(payment, said, 'said by the provider');
        end if;
    end if;
    update payment_events set payment_id = payment, outcome = said where id = event;
    return said;
end $$;

-- The provider has given back this much of a payment in all, perhaps on its own. An order or booking stays whole as long
-- as it is paid for.
create function box_office.payment_refunded(the_payment bigint, in_all numeric) returns text
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
