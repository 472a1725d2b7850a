-- Bookings of seats. Whoever books locks seats by their ids, in order, and never waits for one. Whoever confirms,
-- cancels or expires locks the booking first, and then its seats.

-- The seats of a booking are free. What was seen as free already keeps its version: nobody has changed it.
create function box_office.free_seats(the_booking bigint) returns void
language plpgsql set search_path = box_office, pg_temp as $$
begin
    with released as (
        update booking_seats set released_at = clock_timestamp()
        where booking_id = the_booking and released_at is null returning seat_id)
    update stored_seats set status = 'AVAILABLE', current_booking_id = null, held_until = null,
        version = version + (held_until is null or held_until > clock_timestamp())::integer,
        updated_at = clock_timestamp()
    where id in (select seat_id from released) and current_booking_id = the_booking;
end $$;

-- The caller has locked the booking.
create function box_office.end_booking(the_booking bigint, the_status box_office.booking_status) returns void
language sql set search_path = box_office, pg_temp as $$
    select free_seats(the_booking);
    update bookings set status = the_status, hold_expires_at = null,
        cancelled_at = case when the_status = 'CANCELLED' then clock_timestamp() end where id = the_booking;
$$;

-- Also where people type the status. A booking that has ended comes back only with its seats.
create function box_office.follow_status() returns trigger language plpgsql
set search_path = box_office, pg_temp as $$
begin
    if new.status in ('EXPIRED', 'CANCELLED') then
        perform free_seats(new.id);
    elsif not exists (select from booking_seats where booking_id = new.id and released_at is null) then
        perform refuse('expired', format('Booking %s is %s, and its seats are free.', new.id, old.status));
    end if;
    return null;
end $$;
create trigger follow_status after update of status on box_office.bookings
for each row when ((old.status in ('EXPIRED', 'CANCELLED')) <> (new.status in ('EXPIRED', 'CANCELLED')))
execute function box_office.follow_status();

-- what has expired of these seats is free: every writer that would refuse calls this first
create function box_office.release_expired_seats(the_seats bigint[]) returns void
language plpgsql set search_path = box_office, pg_temp as $$
declare
    one bigint;
begin
    if not exists (
        select from stored_seats where id = any(the_seats) and status = 'HOLD' and held_until <= clock_timestamp()) then
        return;
    end if;
    for one in
        select id from bookings
        where status = 'HOLD' and hold_expires_at <= clock_timestamp() and id in (
            select current_booking_id from stored_seats where id = any(the_seats) and status = 'HOLD')
        order by id for no key update skip locked
    loop
        perform end_booking(one, 'EXPIRED');
    end loop;
    update stored_seats set status = 'AVAILABLE', held_until = null, updated_at = clock_timestamp()
    where id in (
        select id from stored_seats where id = any(the_seats) and status = 'HOLD' and current_booking_id is null
            and held_until <= clock_timestamp()
        order by id for update skip locked);
end $$;

-- The seats, locked, for a booking that holds them. Raises lock_not_available if somebody else is taking one of them.
create function box_office.book_seats(
    the_user bigint, the_event bigint, the_seats bigint[], seconds integer
) returns bigint language plpgsql set search_path = box_office, pg_temp as $$
declare
    rules record;
    found_seats record;
    made bookings;
begin
    select settings.*, events.status, events.start_time, events.currency, events.title into rules
    from settings left join stored_events as events on events.id = the_event;
    perform check_on_sale(the_event, rules.title, rules.status, rules.start_time);
    if cardinality(the_seats) not between 1 and rules.most_seats then
        perform refuse('limit', format('A booking has 1 to %s seats.', rules.most_seats));
    end if;
    select count(*) as known, count(*) filter (where status = 'AVAILABLE') as free, sum(price) as price into found_seats
    from (
        select status, price from stored_seats where id = any(the_seats) and event_id = the_event
        order by id for update nowait) as locked;
    if found_seats.known < cardinality(the_seats) then
        perform refuse('unknown', format('Not all of these are seats of %s.', rules.title));
    elsif found_seats.free < cardinality(the_seats) then
        perform refuse('taken', format('%s of these seats are taken.', cardinality(the_seats) - found_seats.free));
    end if;
    insert into bookings (user_id, event_id, total_amount, currency, hold_expires_at)
    values (the_user, the_event, found_seats.price, rules.currency,
        clock_timestamp() + coalesce(seconds, rules.hold_seconds) * interval '1 second')
    returning * into made;
    insert into booking_seats (booking_id, seat_id, price_at_booking)
    select made.id, id, price from stored_seats where id = any(the_seats);
    update stored_seats set status = 'HOLD', current_booking_id = made.id, held_until = made.hold_expires_at,
        version = version + 1, updated_at = clock_timestamp()
    where id = any(the_seats);
    return made.id;
end $$;

-- Hold these seats for settings.hold_seconds. Returns the booking.
create function box_office.hold(
    the_user bigint, the_event bigint, the_seats bigint[], the_key text default null
) returns bigint language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    seats constant bigint[] := (select array_agg(distinct seat order by seat) from unnest(the_seats) as seat);
    made bigint;
begin
    perform check_buyer(the_user);
    if the_key is not null then
        made := claim_request(the_user, the_key, format('hold %s %s', the_event, seats));
        if made is not null then
            return made;
        end if;
    end if;
    perform release_expired_seats(seats);
    made := book_seats(the_user, the_event, seats, null);
    if the_key is not null then
        perform finish_request(the_user, the_key, made);
    end if;
    return made;
end $$;

create function box_office.lock_of(the_event bigint) returns integer language sql immutable as $$
    select (the_event % 2147483647)::integer
$$;

-- The best free seats of a section that are together in a row: from the front. Rows in which another buyer is just
-- choosing are left to that buyer. Null if there are none.
create function box_office.together(the_event bigint, the_section text, how_many integer, most_price numeric)
returns bigint[] language plpgsql set search_path = box_office, pg_temp as $$
declare
    seat record;
    row_of_run text;
    last_rank integer;
    run bigint[] := '{}';
    busy_row text;
begin
    for seat in
        select id, row_number, seat_rank from stored_seats
        where event_id = the_event and section = the_section and status = 'AVAILABLE' and price <= most_price
        order by row_rank, seat_rank, id
    loop
        continue when seat.row_number = busy_row;
        if seat.row_number is distinct from row_of_run or seat.seat_rank <> last_rank + 1 then
            run := '{}';
        end if;
        row_of_run := seat.row_number;
        last_rank := seat.seat_rank;
        run := run || seat.id;
        if cardinality(run) = how_many then
            if pg_try_advisory_xact_lock(lock_of(the_event), hashtext(the_section || '/' || seat.row_number)) then
                -- Others may have taken them since this query began. The block undoes its locks if it fails, so that
                -- a buyer who waits below has locked nothing that others need.
                begin
                    if how_many = (
                        select count(*) from (
                            select from stored_seats where id = any(run) and status = 'AVAILABLE'
                            order by id for update skip locked) as locked) then
                        return run;
                    end if;
                    raise sqlstate 'BO000';
                exception when sqlstate 'BO000' then
                    null;
                end;
            end if;
            busy_row := seat.row_number;
        end if;
    end loop;
    return null;
end $$;

-- the free seats of a section that are nearest to each other, in the order of rows
create function box_office.nearest(the_event bigint, the_section text, how_many integer, most_price numeric)
returns bigint[] language sql set search_path = box_office, pg_temp as $$
    select seats from (
        select array_agg(id) over near as seats, count(*) over near as found,
            max(row_rank) over near - min(row_rank) over near as rows_apart,
            max(seat_rank) over near - min(seat_rank) over near as seats_apart, min(row_rank) over near as front
        from stored_seats
        where event_id = the_event and section = coalesce(the_section, section) and status = 'AVAILABLE'
            and price <= most_price
        window near as (order by section, row_rank, seat_rank, id rows between current row and how_many - 1 following)
    ) as windows
    where found = how_many order by rows_apart, seats_apart, front limit 1
$$;

-- Hold the best free seats: together in a row first, then nearest to each other. Sections are tried by their view, best
-- first. Returns the booking.
create function box_office.hold_best_available(
    the_user bigint, the_event bigint, how_many integer, the_key text default null, the_section text default null,
    most_price numeric default null
) returns bigint language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    made bigint;
begin
    perform check_buyer(the_user);
    if the_key is not null then
        made := claim_request(the_user, the_key,
            format('best %s %s %s %s', the_event, how_many, the_section, most_price));
        if made is not null then
            return made;
        end if;
    end if;
    made := book_best(the_user, the_event, how_many, the_section, coalesce(most_price, 'infinity'), null);
    if the_key is not null then
        perform finish_request(the_user, the_key, made);
    end if;
    return made;
end $$;

create function box_office.book_best(
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
    for pass in 1..2 loop
        for one in select section from sections_of(the_event) where section = coalesce(the_section, section) loop
            seats := together(the_event, one.section, how_many, most_price);
            if seats is not null then
                return book_seats(the_user, the_event, seats, seconds);
            end if;
        end loop;
        -- before anybody is told that none are together, what has expired is free
        exit when pass = 2 or not exists (
            select from stored_seats
            where event_id = the_event and status = 'HOLD' and held_until <= clock_timestamp());
        perform release_expired_seats((
            select array_agg(id) from stored_seats
            where event_id = the_event and status = 'HOLD' and held_until <= clock_timestamp()));
    end loop;
    -- few are left: buyers choose one after another
    perform pg_advisory_xact_lock(lock_of(the_event), 0);
    for attempt in 1..20 loop
        seats := null;
        for one in select section from sections_of(the_event) where section = coalesce(the_section, section) loop
            seats := together(the_event, one.section, how_many, most_price);
            exit when seats is not null;
            seats := nearest(the_event, one.section, how_many, most_price);
            exit when seats is not null;
        end loop;
        seats := coalesce(seats, nearest(the_event, the_section, how_many, most_price));
        exit when seats is null;
        -- waits for those who are taking one of them, in the order of ids; this transaction has locked no other seat
        perform from stored_seats where id = any(seats) order by id for update;
        if how_many = (select count(*) from stored_seats where id = any(seats) and status = 'AVAILABLE') then
            return book_seats(the_user, the_event, seats, seconds);
        end if;
    end loop;
    select count(*) into left_over from stored_seats
    where event_id = the_event and section = coalesce(the_section, section) and status = 'AVAILABLE'
        and price <= most_price;
    perform refuse('sold_out', format('%s seats are left, and %s were asked for.', left_over, how_many));
    return null;
end $$;

-- an event's sections, best view first
create function box_office.sections_of(the_event bigint) returns table (section varchar, score integer)
language sql stable set search_path = box_office, pg_temp as $$
    with recursive found as (
        (select seats.section from stored_seats as seats where event_id = the_event order by seats.section limit 1)
        union all
        select (select seats.section from stored_seats as seats
                where event_id = the_event and seats.section > found.section order by seats.section limit 1)
        from found where found.section is not null)
    select found.section, max(views.view_quality_score)
    from found left join seat_views as views on views.event_id = the_event and views.section = found.section
    where found.section is not null
    group by found.section order by max(views.view_quality_score) desc nulls last, found.section
$$;

create function box_office.live_booking(the_booking bigint) returns box_office.bookings
language plpgsql set search_path = box_office, pg_temp as $$
declare
    booking bookings;
begin
    select * into booking from bookings where id = the_booking for no key update;
    if not found then
        perform refuse('unknown', format('There is no booking %s.', the_booking));
    end if;
    perform check_buyer(booking.user_id);
    if booking.status <> 'HOLD' or booking.hold_expires_at <= clock_timestamp() then
        perform refuse('expired', format('Booking %s is no longer on hold. It is %s.', the_booking,
            case booking.status when 'HOLD' then 'EXPIRED' else booking.status end));
    end if;
    return booking;
end $$;

-- Hold for longer, settings.extensions times. Returns until when.
create function box_office.extend(the_booking bigint) returns timestamptz
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
    update stored_seats set held_until = until where current_booking_id = the_booking;
    return until;
end $$;

-- The caller has locked the booking, and its seats are its own.
create function box_office.issue_seats(the_booking box_office.bookings, the_payment text) returns void
language plpgsql set search_path = box_office, pg_temp as $$
begin
    insert into tickets (booking_id, seat_id, event_id, price, ticket_code, qr_code)
    select the_booking.id, lines.seat_id, the_booking.event_id, lines.price_at_booking, code, 'TICKET:' || code
    from booking_seats as lines, lateral (select new_code() as code where lines.id > 0) as codes
    where lines.booking_id = the_booking.id and lines.released_at is null;
    update bookings set status = 'CONFIRMED', confirmed_at = clock_timestamp(), hold_expires_at = null,
        payment_id = coalesce(the_payment, payment_id) where id = the_booking.id;
    update stored_seats set status = 'BOOKED', held_until = null, version = version + 1, updated_at = clock_timestamp()
    where id in (select seat_id from booking_seats where booking_id = the_booking.id and released_at is null);
end $$;

-- Confirm for a payment that was taken elsewhere: at the counter, or nothing was to pay.
create function box_office.confirm(the_booking bigint, the_provider text default 'counter') returns void
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    booking constant bookings := live_booking(the_booking);
begin
    insert into payments (booking_id, provider, amount, currency, status, succeeded_at)
    values (the_booking, the_provider, booking.total_amount, booking.currency, 'succeeded', clock_timestamp());
    perform issue_seats(booking, the_provider);
end $$;

-- Returns whether anything was cancelled: a second cancel, and one after the hold expired, frees nothing.
create function box_office.cancel(the_booking bigint) returns boolean
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    booking bookings;
begin
    select * into booking from bookings where id = the_booking for no key update;
    if not found then
        perform refuse('unknown', format('There is no booking %s.', the_booking));
    end if;
    perform check_buyer(booking.user_id);
    if booking.status = 'CONFIRMED' then
        perform refuse('state', format('Booking %s is paid. Refund it instead.', the_booking));
    end if;
    if booking.status <> 'HOLD' then
        return false;
    end if;
    perform end_booking(the_booking, 'CANCELLED');
    return true;
end $$;

-- Holds end in small steps. Whoever books does not depend on this: it only tidies. Returns how many bookings ended.
create function box_office.expire_bookings(most integer default 500) returns integer
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    one bigint;
    ended integer := 0;
begin
    for one in
        select id from bookings where status = 'HOLD' and hold_expires_at <= clock_timestamp()
        order by id limit most for no key update skip locked
    loop
        perform end_booking(one, 'EXPIRED');
        ended := ended + 1;
    end loop;
    update stored_seats set status = 'AVAILABLE', held_until = null, updated_at = clock_timestamp()
    where id in (
        select id from stored_seats
        where status = 'HOLD' and current_booking_id is null and held_until <= clock_timestamp()
            and event_id in (select id from stored_events where status = 'on_sale')
        order by id limit most for update skip locked);
    return ended;
end $$;

create function box_office.keep_price() returns trigger language plpgsql as $$
begin
    raise exception 'The price at booking never changes.' using errcode = 'restrict_violation';
end $$;
create trigger keep_price before update on box_office.booking_seats
for each row when (old.price_at_booking <> new.price_at_booking) execute function box_office.keep_price();

-- A booking that is confirmed or paid is kept; one that only holds frees its seats as it goes.
create function box_office.keep_booking() returns trigger language plpgsql set search_path = box_office, pg_temp as $$
begin
    if old.status = 'CONFIRMED' then
        raise exception 'Booking % is confirmed and is kept. Refund it instead.', old.id
            using errcode = 'restrict_violation';
    end if;
    update stored_seats set status = 'AVAILABLE', current_booking_id = null, held_until = null, version = version + 1
    where current_booking_id = old.id;
    return old;
end $$;
create trigger keep_booking before delete on box_office.bookings
for each row execute function box_office.keep_booking();
