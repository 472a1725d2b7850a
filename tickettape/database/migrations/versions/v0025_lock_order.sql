-- In which order stock and seats are locked, so that no two of these functions wait for each other. (People who type
-- several statements in one transaction choose an order of their own; Postgres ends one of two who then deadlock.)
--
-- Stock, tier by tier in the order of tier ids. In one tier a transaction waits in one of two ways:
--   1. for a single row, while it has locked no row of this tier; afterwards it waits for no other;
--   2. for rows in the order of slots (gather, spread_stock, write_tier). The lowest slot is never removed, so whoever
--      gathers locks it first and keeps it: only one transaction at a time has gathered rows and waits for more.
-- A row that is found by its free tickets may have too few when its lock is had. Postgres keeps that lock, so each
-- search that found nothing is undone by its block: otherwise the second rule or the first would be broken.
-- What puts back (cancels, expiries, refunds) never waits for a counter.
--
-- Seats, after the booking that has them.
--   1. Who holds seats by name does not wait (NOWAIT).
--   2. Who ends, extends or confirms bookings waits only for seats of bookings that it has locked, for all of them at
--      once and in the order of ids (lock_seats). Nobody else has a seat of these bookings but for the third rule.
--   3. Who waits for seats of others, to choose the best or to take again what was paid late, takes the event's advisory
--      lock first: there is one at a time. It locks in the order of ids too, and undoes its locks before it chooses anew.

create or replace function box_office.write_stock(
    the_tier bigint, d_free integer, d_reserved integer, d_sold integer, apart boolean default false
) returns void language plpgsql set search_path = box_office, pg_temp as $$
declare
    need constant integer := -d_free;
    found_free integer;
    given integer := 0;
    taken integer;
    one record;
begin
    if d_free >= 0 then
        update tier_stock set free = free + d_free, reserved = reserved + d_reserved, sold = sold + d_sold
        where not apart and tier_id = the_tier and slot = (
            select slot from tier_stock where tier_id = the_tier order by random() limit 1 for update skip locked);
        if not found then
            insert into tier_stock (tier_id, slot, free, reserved, sold)
            values (the_tier, nextval('stock_slots'), d_free, d_reserved, d_sold);
        end if;
        return;
    end if;
    -- a row that nobody is writing
    begin
        update tier_stock set free = free - need, reserved = reserved + d_reserved, sold = sold + d_sold
        where tier_id = the_tier and slot = (
            select slot from tier_stock where tier_id = the_tier and free >= need
            order by random() limit 1 for update skip locked);
        if found then
            return;
        end if;
        raise sqlstate 'BO000';
    exception when sqlstate 'BO000' then
        null;
    end;
    -- all rows that have enough are being written: wait for one of them
    begin
        update tier_stock set free = free - need, reserved = reserved + d_reserved, sold = sold + d_sold
        where tier_id = the_tier and free >= need and slot = (
            select slot from tier_stock where tier_id = the_tier and free >= need order by random() limit 1);
        if found then
            return;
        end if;
        raise sqlstate 'BO000';
    exception when sqlstate 'BO000' then
        null;
    end;
    perform release_expired(the_tier);
    found_free := (select coalesce(sum(free), 0) from tier_stock where tier_id = the_tier);
    if found_free >= need then
        found_free := gather(the_tier, need);
    end if;
    if found_free < need then
        perform refuse('sold_out', format('%s of %s are left, and %s were asked for.', found_free,
            (select name from stored_tiers where id = the_tier), need));
    end if;
    -- skips only what others have: the rows that were gathered are locked by this transaction
    for one in select slot, free from tier_stock where tier_id = the_tier and free > 0
        order by slot for update skip locked
    loop
        taken := least(one.free, need - given);
        update tier_stock set free = free - taken,
            reserved = reserved + case when given = 0 then d_reserved else 0 end,
            sold = sold + case when given = 0 then d_sold else 0 end
        where tier_id = the_tier and slot = one.slot;
        given := given + taken;
        exit when given = need;
    end loop;
end $$;

comment on function box_office.gather(bigint, integer) is
    'Lock rows in the order of their slots until they have enough. The second pass finds what was put back while the '
    'first one waited. These rows may come in any order: nobody else gathers as long as the lowest slot is locked';

-- The seats of bookings that the caller has locked.
create function box_office.lock_seats(the_bookings bigint[]) returns void
language plpgsql set search_path = box_office, pg_temp as $$
begin
    perform from stored_seats where current_booking_id = any(the_bookings) order by id for no key update;
end $$;

create or replace function box_office.free_seats(the_booking bigint) returns void
language plpgsql set search_path = box_office, pg_temp as $$
begin
    perform lock_seats(array[the_booking]);
    with released as (
        update booking_seats set released_at = clock_timestamp()
        where booking_id = the_booking and released_at is null returning seat_id)
    update stored_seats set status = 'AVAILABLE', current_booking_id = null, held_until = null,
        version = version + (held_until is null or held_until > clock_timestamp())::integer,
        updated_at = clock_timestamp()
    where id in (select seat_id from released) and current_booking_id = the_booking;
end $$;

-- Seats are read by their ids alone. With a condition on the status, the planner may take the index of what is on hold,
-- which is empty when the statistics are made, and then each hold reads all others of the rush.
create or replace function box_office.release_expired_seats(the_seats bigint[]) returns void
language plpgsql set search_path = box_office, pg_temp as $$
declare
    expired bigint[];
    one bigint;
begin
    if not exists (
        select from (select status, held_until from stored_seats where id = any(the_seats) offset 0) as seats
        where status = 'HOLD' and held_until <= clock_timestamp()) then
        return;
    end if;
    expired := array(
        select id from bookings
        where status = 'HOLD' and hold_expires_at <= clock_timestamp() and id in (
            select current_booking_id
            from (select status, current_booking_id from stored_seats where id = any(the_seats) offset 0) as seats
            where status = 'HOLD')
        order by id for no key update skip locked);
    perform lock_seats(expired);
    foreach one in array expired loop
        perform end_booking(one, 'EXPIRED');
    end loop;
    update stored_seats set status = 'AVAILABLE', held_until = null, updated_at = clock_timestamp()
    where id in (
        select id from stored_seats where id = any(the_seats) and status = 'HOLD' and current_booking_id is null
            and held_until <= clock_timestamp()
        order by id for update skip locked);
end $$;

create or replace function box_office.expire_bookings(most integer default 500) returns integer
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    expired bigint[];
    one bigint;
begin
    expired := array(
        select id from bookings where status = 'HOLD' and hold_expires_at <= clock_timestamp()
        order by id limit most for no key update skip locked);
    perform lock_seats(expired);
    foreach one in array expired loop
        perform end_booking(one, 'EXPIRED');
    end loop;
    update stored_seats set status = 'AVAILABLE', held_until = null, updated_at = clock_timestamp()
    where id in (
        select id from stored_seats
        where status = 'HOLD' and current_booking_id is null and held_until <= clock_timestamp()
            and event_id in (select id from stored_events where status = 'on_sale')
        order by id limit most for update skip locked);
    return cardinality(expired);
end $$;

create or replace function box_office.book_best(
    the_user bigint, the_event bigint, how_many integer, the_section text, most_price numeric, seconds integer
) returns bigint language plpgsql set search_path = box_office, pg_temp as $$
declare
    one record;
    seats bigint[];
    left_over integer;
begin
    if how_many is null or how_many not between 1 and (select most_seats from settings) then
        perform refuse('limit', format('A booking has 1 to %s seats.', (select most_seats from settings)));
    end if;
    for one in select section from sections_of(the_event) where section = coalesce(the_section, section) loop
        seats := together(the_event, one.section, how_many, most_price);
        if seats is not null then
            return book_seats(the_user, the_event, seats, seconds);
        end if;
    end loop;
    -- few are left: buyers choose one after another, and what has expired is free
    perform pg_advisory_xact_lock(lock_of(the_event), 0);
    perform release_expired_seats((
        select array_agg(id) from stored_seats
        where event_id = the_event and status = 'HOLD' and held_until <= clock_timestamp()));
    for attempt in 1..20 loop
        seats := null;
        for one in select section from sections_of(the_event) where section = coalesce(the_section, section) loop
            seats := together(the_event, one.section, how_many, most_price);
            exit when seats is not null;
        end loop;
        if seats is null then
            for one in select section from sections_of(the_event) where section = coalesce(the_section, section) loop
                seats := nearest(the_event, one.section, how_many, most_price);
                exit when seats is not null;
            end loop;
        end if;
        seats := coalesce(seats, nearest(the_event, the_section, how_many, most_price));
        exit when seats is null;
        begin
            perform from stored_seats where id = any(seats) order by id for update;
            if how_many = (select count(*) from stored_seats where id = any(seats) and status = 'AVAILABLE') then
                return book_seats(the_user, the_event, seats, seconds);
            end if;
            raise sqlstate 'BO000';
        exception when sqlstate 'BO000' then
            null;
        end;
    end loop;
    select count(*) into left_over from stored_seats
    where event_id = the_event and section = coalesce(the_section, section) and status = 'AVAILABLE'
        and price <= most_price;
    perform refuse('sold_out', format('%s seats are left, and %s were asked for.', left_over, how_many));
    return null;
end $$;

create or replace function box_office.extend(the_booking bigint) returns timestamptz
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    booking constant bookings := live_booking(the_booking);
    until timestamptz;
begin
    if booking.extensions >= (select extensions from settings) then
        perform refuse('limit', format('Booking %s has already been extended.', the_booking));
    end if;
    update bookings set extensions = extensions + 1,
        hold_expires_at = clock_timestamp() + (select hold_seconds from settings) * interval '1 second'
    where id = the_booking returning hold_expires_at into until;
    perform lock_seats(array[the_booking]);
    update stored_seats set held_until = until where current_booking_id = the_booking;
    return until;
end $$;

create or replace function box_office.issue_seats(the_booking box_office.bookings, the_payment text) returns void
language plpgsql set search_path = box_office, pg_temp as $$
begin
    perform lock_seats(array[the_booking.id]);
    insert into tickets (booking_id, seat_id, event_id, price, ticket_code, qr_code)
    select the_booking.id, lines.seat_id, the_booking.event_id, lines.price_at_booking, code, 'TICKET:' || code
    from booking_seats as lines, lateral (select new_code() as code where lines.id > 0) as codes
    where lines.booking_id = the_booking.id and lines.released_at is null;
    update bookings set status = 'CONFIRMED', confirmed_at = clock_timestamp(), hold_expires_at = null,
        payment_id = coalesce(the_payment, payment_id) where id = the_booking.id;
    update stored_seats set status = 'BOOKED', held_until = null, version = version + 1, updated_at = clock_timestamp()
    where id in (select seat_id from booking_seats where booking_id = the_booking.id and released_at is null);
end $$;

create or replace function box_office.pay_booking(the_booking bigint, the_payment text) returns text
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

create or replace function box_office.take_back(
    the_order bigint, the_booking bigint, the_tickets bigint[], whole boolean
) returns void language plpgsql set search_path = box_office, pg_temp as $$
declare
    one record;
begin
    update tickets set status = 'refunded' where id = any(the_tickets);
    if the_booking is not null and whole then
        perform end_booking(the_booking, 'CANCELLED');
    elsif the_booking is not null then
        perform lock_seats(array[the_booking]);
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

create or replace function box_office.keep_booking() returns trigger language plpgsql
set search_path = box_office, pg_temp as $$
begin
    if old.status = 'CONFIRMED' then
        raise exception 'Booking % is confirmed and is kept. Refund it instead.', old.id
            using errcode = 'restrict_violation';
    end if;
    perform lock_seats(array[old.id]);
    update stored_seats set status = 'AVAILABLE', current_booking_id = null, held_until = null, version = version + 1
    where current_booking_id = old.id;
    return old;
end $$;

revoke all on function box_office.lock_seats(bigint []) from public;
