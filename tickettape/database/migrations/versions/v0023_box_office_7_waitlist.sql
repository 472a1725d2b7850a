-- The waitlist: an offer is an order or a booking for the person who waits, which holds the stock for a day at most.

create function box_office.join_waitlist(
    the_user bigint, the_event bigint, the_tier bigint default null, how_many integer default 1,
    the_section text default null, most_price numeric default null
) returns bigint language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    entry bigint;
begin
    perform check_buyer(the_user);
    insert into waitlist (event_id, user_id, tier_id, quantity, section_preference, max_price)
    values (the_event, the_user, the_tier, how_many, the_section, most_price)
    on conflict on constraint waitlist_once do nothing returning id into entry;
    return coalesce(entry, (
        select id from waitlist
        where event_id = the_event and user_id = the_user and tier_id is not distinct from the_tier));
end $$;

-- Offer to one person, chosen by hand. Refuses if that person was offered already, or nothing is left.
create function box_office.offer(the_entry bigint) returns bigint
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    entry waitlist;
    made bigint;
begin
    select * into entry from waitlist where id = the_entry for update;
    if not found then
        perform refuse('unknown', format('There is no waitlist entry %s.', the_entry));
    elsif entry.notified then
        perform refuse('state', 'This person has already been notified.');
    end if;
    made := make_offer(entry);
    if made is null then
        perform refuse('sold_out', 'Nothing that this person asked for is left.');
    end if;
    return made;
end $$;

-- Offer to the next person who waits and whose wish can be met; null if there is none. One offer for each call, so that
-- no lock is kept for long.
create function box_office.offer_next(the_event bigint) returns bigint
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    entry waitlist;
    made bigint;
begin
    loop  -- one at a time: a FOR loop would lock some ahead, and keep them from others
        select * into entry from waitlist
        where event_id = the_event and not notified and position > coalesce(entry.position, 0)
        order by position limit 1 for update skip locked;
        exit when not found;
        made := make_offer(entry);
        exit when made is not null;
    end loop;
    return made;
end $$;

-- The caller has locked the entry. Null if nothing is left, or the sale ends.
create function box_office.make_offer(entry box_office.waitlist) returns bigint
language plpgsql set search_path = box_office, pg_temp as $$
declare
    the_event stored_events;
    tier record;
    until timestamptz;
    seconds integer;
    order_made bigint;
    booking_made bigint;
    made bigint;
begin
    select * into the_event from stored_events where id = entry.event_id;
    select * into tier from ticket_tiers
    where event_id = entry.event_id and id = coalesce(entry.tier_id, id) and is_active
        and price <= coalesce(entry.max_price, 'infinity') and quantity - sold - reserved >= entry.quantity
        and coalesce(sale_end_time, 'infinity') > clock_timestamp()
        and coalesce(sale_start_time, '-infinity') <= clock_timestamp()
    order by position, price limit 1;
    until := least(the_event.start_time, tier.sale_end_time,
        clock_timestamp() + (select offer_seconds from settings) * interval '1 second');
    seconds := floor(extract(epoch from until - clock_timestamp()));
    if the_event.status <> 'on_sale' or seconds <= 0 then
        return null;
    end if;
    if tier.id is not null then
        order_made := (new_order(entry.user_id, entry.event_id, array[tier.id], array[entry.quantity], 'pending',
            seconds, false)).id;
        perform take_lines(order_made, true);
        until := (select expires_at from orders where id = order_made);
    elsif entry.tier_id is null then
        booking_made := book_best(entry.user_id, entry.event_id, entry.quantity, entry.section_preference,
            coalesce(entry.max_price, 'infinity'), seconds);
        until := (select hold_expires_at from bookings where id = booking_made);
    else
        return null;
    end if;
    insert into offers (waitlist_id, order_id, booking_id, expires_at)
    values (entry.id, order_made, booking_made, until) returning id into made;
    update waitlist set notified = true, notified_at = clock_timestamp(), notification_expires_at = until
    where id = entry.id;
    insert into notifications (user_id, kind, order_id, booking_id)
    values (entry.user_id, 'waitlist_offer', order_made, booking_made);
    return made;
exception when sqlstate 'PT409' then
    return null;
end $$;

-- whoever removes an offer, or its place in the queue, frees what it still holds
create function box_office.withdraw_offer() returns trigger language plpgsql
set search_path = box_office, pg_temp as $$
begin
    perform from orders where id = old.order_id and status = 'pending' for no key update;
    if found then
        perform end_order(old.order_id, 'cancelled');
    end if;
    perform from bookings where id = old.booking_id and status = 'HOLD' for no key update;
    if found then
        perform end_booking(old.booking_id, 'CANCELLED');
    end if;
    return null;
end $$;
create trigger withdraw_offer after delete on box_office.offers
for each row execute function box_office.withdraw_offer();

-- At the door. Admits once; says why not.
create function box_office.scan_ticket(the_code text, the_event bigint default null) returns bigint
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    ticket tickets;
begin
    update tickets set status = 'used', used_at = clock_timestamp()
    where ticket_code = the_code and status = 'valid' and event_id = coalesce(the_event, event_id)
    returning * into ticket;
    if found then
        return ticket.id;
    end if;
    select * into ticket from tickets where ticket_code = the_code;
    if not found then
        perform refuse('unknown', 'There is no ticket with this code.');
    elsif ticket.event_id <> the_event then
        perform refuse('state', 'This ticket is for another event.');
    elsif ticket.status = 'used' then
        perform refuse('state', format('This ticket was used at %s.',
            to_char(ticket.used_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')));
    end if;
    perform refuse('state', format('This ticket is %s.', ticket.status));
    return null;
end $$;

-- The person goes, the orders and their money stay.
create function box_office.erase_user(the_user bigint) returns void
language plpgsql security definer set search_path = box_office, pg_temp as $$
begin
    delete from waitlist where user_id = the_user;
    delete from notifications where user_id = the_user;
    delete from requests where user_id = the_user;
    update users set email = format('erased-%s@invalid', id), first_name = null, last_name = null, full_name = '',
        password_hash = '!', phone_number = null, stripe_customer_id = null, is_verified = false,
        deleted_at = coalesce(deleted_at, clock_timestamp()), erased_at = coalesce(erased_at, clock_timestamp())
    where id = the_user;
    if not found then
        perform refuse('unknown', format('There is no user %s.', the_user));
    end if;
end $$;

-- Retention: notifications 1 year, deleted users 90 days (those with orders are erased), audit log 7 years.
create function box_office.forget_old() returns void
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    one bigint;
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
end $$;
