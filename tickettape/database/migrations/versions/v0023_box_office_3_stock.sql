-- A tier's stock. Locks are taken in this order everywhere: an order or booking, its items and tickets, then counters;
-- tiers by id. What puts back never waits, so that it may come at any time.

-- at most so many buyers of a tier write beside each other; a small tier has few rows, so that few must be gathered
create function box_office.slots_of(quantity integer) returns integer language sql immutable as $$
    select least(32, greatest(1, quantity / 16))
$$;

-- The only writer of counters. Without enough free it releases what has expired, and refuses only then. `apart` adds a
-- row instead of changing one.
create function box_office.write_stock(
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
    update tier_stock set free = free - need, reserved = reserved + d_reserved, sold = sold + d_sold
    where tier_id = the_tier and slot = (
        select slot from tier_stock where tier_id = the_tier and free >= need
        order by random() limit 1 for update skip locked);
    if found then
        return;
    end if;
    -- All rows that have enough are being written: wait for one of them. If it comes to nothing, the block undoes the
    -- lock of that row, because rows are gathered in their order.
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

-- Lock rows in the order of their slots, waiting for others, until they have `need`. Returns what they have, at most
-- `need`. Rows without any free are locked too: they may have some when a later row was waited for, and must not be
-- waited for then. The second pass sees rows that were added while the first one waited; their slots are higher.
create function box_office.gather(the_tier bigint, need integer) returns integer
language plpgsql set search_path = box_office, pg_temp as $$
declare
    found_free integer;
    one record;
begin
    for pass in 1..2 loop
        found_free := 0;
        for one in select free from tier_stock where tier_id = the_tier order by slot for update loop
            found_free := least(need, found_free + one.free);
            exit when found_free = need;
        end loop;
        exit when found_free = need;
    end loop;
    return found_free;
end $$;

-- tickets that are more (or, below 0, fewer) than before, spread over the rows
create function box_office.spread_stock(the_tier bigint, more integer, quantity integer) returns void
language plpgsql set search_path = box_office, pg_temp as $$
declare
    slots constant integer := slots_of(quantity);
    missing integer := -more;
    taken integer;
    one record;
begin
    if more > 0 then
        insert into tier_stock as stock (tier_id, slot, free)
        select the_tier, slot, more / slots + (slot <= more % slots)::integer
        from generate_series(1, slots) as slot order by slot
        on conflict (tier_id, slot) do update set free = stock.free + excluded.free;
        return;
    end if;
    for one in select slot, free from tier_stock where tier_id = the_tier and free > 0
        order by slot for update skip locked
    loop
        exit when missing = 0;
        taken := least(one.free, missing);
        update tier_stock set free = free - taken where tier_id = the_tier and slot = one.slot;
        missing := missing - taken;
    end loop;
    if missing > 0 then
        perform refuse('sold', format('%s tickets of %s are sold or reserved. Give at least this quantity.',
            quantity + missing, (select name from stored_tiers where id = the_tier)));
    end if;
end $$;

create function box_office.change_capacity(the_tier bigint, the_quantity integer) returns void
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    before constant integer := (select quantity from stored_tiers where id = the_tier for no key update);
begin
    if before is null then
        perform refuse('unknown', format('There is no tier %s.', the_tier));
    end if;
    update stored_tiers set quantity = the_quantity where id = the_tier;
    if the_quantity < before then
        perform release_expired(the_tier);
        perform gather(the_tier, 2147483647);
    end if;
    if the_quantity <> before then
        perform spread_stock(the_tier, the_quantity - before, the_quantity);
    end if;
end $$;

-- What tiers and seats offer together stays within the event's capacity, if it has one.
create function box_office.check_capacity() returns trigger language plpgsql set search_path = box_office, pg_temp as $$
declare
    wrong record;
begin
    perform from stored_events where id in (select event_id from written) order by id for no key update;
    select title, capacity, offered into wrong from (
        select events.title, events.capacity,
            coalesce((select sum(quantity) from stored_tiers where event_id = events.id), 0)
            + coalesce((select sum(seats) from seat_deltas where event_id = events.id), 0) as offered
        from stored_events as events
        where events.capacity is not null and events.id in (select event_id from written)) as counted
    where offered > capacity limit 1;
    if found then
        perform refuse('limit', format('The tiers and seats of %s add up to %s, and its capacity is %s.',
            wrong.title, wrong.offered, wrong.capacity));
    end if;
    return null;
end $$;
create trigger check_inserted after insert on box_office.stored_tiers referencing new table as written
for each statement execute function box_office.check_capacity();
create trigger check_updated after update on box_office.stored_tiers referencing new table as written
for each statement execute function box_office.check_capacity();
create function box_office.check_event_capacity() returns trigger language plpgsql
set search_path = box_office, pg_temp as $$
declare
    offered constant bigint := coalesce((select sum(quantity) from stored_tiers where event_id = new.id), 0)
        + coalesce((select sum(seats) from seat_deltas where event_id = new.id), 0);
begin
    if offered > new.capacity then
        perform refuse('limit', format('The tiers and seats of %s add up to %s, and its capacity would be %s.',
            new.title, offered, new.capacity));
    end if;
    return null;
end $$;
create trigger check_capacity after update of capacity on box_office.stored_events
for each row execute function box_office.check_event_capacity();

create function box_office.count_seats() returns trigger language plpgsql set search_path = box_office, pg_temp as $$
begin
    if tg_op = 'UPDATE' then
        insert into seat_deltas (event_id, seats, available)
        select now_.event_id, 0, sum((now_.status = 'AVAILABLE')::integer - (was.status = 'AVAILABLE')::integer)
        from new_rows as now_ inner join old_rows as was on was.id = now_.id
        where now_.status <> was.status group by now_.event_id
        having sum((now_.status = 'AVAILABLE')::integer - (was.status = 'AVAILABLE')::integer) <> 0;
    elsif tg_op = 'INSERT' then
        insert into seat_deltas (event_id, seats, available)
        select event_id, count(*), count(*) filter (where status = 'AVAILABLE') from new_rows group by event_id;
    else
        insert into seat_deltas (event_id, seats, available)
        select event_id, -count(*), -count(*) filter (where status = 'AVAILABLE') from old_rows
        where exists (select from stored_events where id = event_id) group by event_id;  -- not if the event goes too
    end if;
    return null;
end $$;
create trigger count_inserted after insert on box_office.stored_seats referencing new table as new_rows
for each statement execute function box_office.count_seats();
create trigger count_updated after update on box_office.stored_seats
referencing new table as new_rows old table as old_rows
for each statement execute function box_office.count_seats();
create trigger count_deleted after delete on box_office.stored_seats referencing old table as old_rows
for each statement execute function box_office.count_seats();
create trigger inserted_within_capacity after insert on box_office.stored_seats referencing new table as written
for each statement execute function box_office.check_capacity();  -- after count_inserted: triggers run by name

-- Views: what has expired counts as free, whether or not it was released already.

create view box_office.ticket_tiers as
select
    tiers.id, tiers.event_id, tiers.name, tiers.description, tiers.price, tiers.quantity,
    (select coalesce(sum(stock.sold), 0)::integer from box_office.tier_stock as stock where stock.tier_id = tiers.id)
        as sold,
    (select coalesce(sum(stock.reserved), 0)::integer from box_office.tier_stock as stock
     where stock.tier_id = tiers.id)
    - (select coalesce(sum(items.reserved), 0)::integer
       from box_office.orders as orders
       inner join box_office.order_items as items on items.order_id = orders.id
       where orders.event_id = tiers.event_id and orders.status = 'pending'
           and orders.expires_at <= statement_timestamp() and items.tier_id = tiers.id) as reserved,
    tiers.is_active, tiers.sale_start_time, tiers.sale_end_time, tiers.position, tiers.min_purchase,
    tiers.max_purchase, tiers.created_at, tiers.updated_at
from box_office.stored_tiers as tiers;

create view box_office.events as
select
    events.id, events.promoter_id, events.title, events.title as name, events.slug, events.description, events.venue,
    events.city, events.country, events.start_time, events.end_time, events.doors_open_time, events.capacity,
    coalesce(events.capacity, (select sum(deltas.seats)::integer from box_office.seat_deltas as deltas
                               where deltas.event_id = events.id), 0) as total_seats,
    (select coalesce(sum(deltas.available), 0)::integer from box_office.seat_deltas as deltas
     where deltas.event_id = events.id)
    + (select count(*)::integer from box_office.stored_seats as seats
       where seats.event_id = events.id and seats.status = 'HOLD' and seats.held_until <= statement_timestamp())
        as available_seats,
    events.category, events.image_url, events.status, events.status = 'on_sale' as is_active, events.currency,
    events.event_series_id, events.created_at, events.updated_at,
    to_tsvector('simple', events.title || ' ' || coalesce(events.description, '')) as search
from box_office.stored_events as events;

create view box_office.event_seats as
select
    seats.id, seats.event_id, seats.section, seats.row_number, seats.seat_number, seats.price,
    case when seats.held_until <= statement_timestamp() then 'AVAILABLE' else seats.status end as status,
    case when seats.held_until <= statement_timestamp() then null else seats.current_booking_id end
        as current_booking_id,
    seats.version, seats.base_price, seats.dynamic_multiplier, seats.created_at, seats.updated_at
from box_office.stored_seats as seats;

create function box_office.write_tier() returns trigger language plpgsql set search_path = box_office, pg_temp as $$
declare
    d_sold integer;
    d_reserved integer;
begin
    if tg_op = 'DELETE' then
        delete from stored_tiers where id = old.id;
        return old;
    elsif tg_op = 'INSERT' then
        insert into stored_tiers (id, event_id, name, description, price, quantity, is_active, sale_start_time,
            sale_end_time, position, min_purchase, max_purchase)
        values (coalesce(new.id, nextval(pg_get_serial_sequence('box_office.stored_tiers', 'id'))), new.event_id,
            new.name, new.description, new.price, new.quantity, coalesce(new.is_active, true), new.sale_start_time,
            new.sale_end_time, coalesce(new.position, 0), coalesce(new.min_purchase, 1),
            coalesce(new.max_purchase, greatest(10, new.min_purchase)))
        returning id, is_active, position, min_purchase, max_purchase, created_at, updated_at
        into new.id, new.is_active, new.position, new.min_purchase, new.max_purchase, new.created_at, new.updated_at;
        perform spread_stock(new.id, new.quantity, new.quantity);
        d_sold := coalesce(new.sold, 0);
        d_reserved := coalesce(new.reserved, 0);
    else
        update stored_tiers set event_id = new.event_id, name = new.name, description = new.description,
            price = new.price, is_active = new.is_active, sale_start_time = new.sale_start_time,
            sale_end_time = new.sale_end_time, position = new.position, min_purchase = new.min_purchase,
            max_purchase = new.max_purchase
        where id = old.id and (new.event_id, new.name, new.description, new.price, new.is_active, new.sale_start_time,
            new.sale_end_time, new.position, new.min_purchase, new.max_purchase) is distinct from
            (old.event_id, old.name, old.description, old.price, old.is_active, old.sale_start_time,
            old.sale_end_time, old.position, old.min_purchase, old.max_purchase);
        if new.quantity <> old.quantity then
            perform change_capacity(old.id, new.quantity);
        end if;
        d_sold := new.sold - old.sold;
        d_reserved := new.reserved - old.reserved;
    end if;
    if d_sold < 0 or d_reserved < 0 then
        perform from tier_stock where tier_id = new.id order by slot for update;
    end if;
    if (d_sold, d_reserved) <> (0, 0) then
        perform write_stock(new.id, -d_sold - d_reserved, d_reserved, d_sold);
    end if;
    if d_sold < 0 or d_reserved < 0 then
        perform check_taken_back(new.id);
    end if;
    return new;
end $$;
create trigger write_tier instead of insert or update or delete on box_office.ticket_tiers
for each row execute function box_office.write_tier();

-- A written `sold` or `reserved` cannot free what tickets and orders have. The caller has locked all rows.
create function box_office.check_taken_back(the_tier bigint) returns void language plpgsql
set search_path = box_office, pg_temp as $$
declare
    stock record;
begin
    select sum(reserved) as reserved, sum(sold) as sold into stock from tier_stock where tier_id = the_tier;
    if stock.sold < (select count(*) from tickets where tier_id = the_tier and status in ('valid', 'used'))
        or stock.reserved < (select coalesce(sum(reserved), 0) from order_items where tier_id = the_tier)
    then
        perform refuse('sold', 'This stock belongs to tickets or orders. Refund or cancel them instead.');
    end if;
end $$;

create function box_office.write_event() returns trigger language plpgsql set search_path = box_office, pg_temp as $$
begin
    if tg_op = 'DELETE' then
        delete from stored_events where id = old.id;
        return old;
    elsif tg_op = 'INSERT' then
        new.id := coalesce(new.id, nextval(pg_get_serial_sequence('box_office.stored_events', 'id')));
        new.title := coalesce(new.title, new.name);
        new.status := coalesce(new.status, case when new.is_active is false then 'off_sale' else 'on_sale' end);
        insert into stored_events (id, promoter_id, title, slug, description, venue, city, country, start_time,
            end_time, doors_open_time, capacity, category, image_url, status, currency, event_series_id)
        values (new.id, new.promoter_id, new.title, coalesce(new.slug, trim(both '-' from
                lower(regexp_replace(new.title, '[^[:alnum:]]+', '-', 'g'))) || '-' || new.id),
            new.description, new.venue, coalesce(new.city, ''), coalesce(new.country, ''), new.start_time,
            new.end_time, new.doors_open_time, coalesce(new.capacity, nullif(new.total_seats, 0)), new.category,
            new.image_url, new.status, coalesce(new.currency, 'USD'), new.event_series_id);
    else
        update stored_events set promoter_id = new.promoter_id,
            title = case when new.name is distinct from old.name then new.name else new.title end,
            slug = new.slug, description = new.description, venue = new.venue, city = new.city, country = new.country,
            start_time = new.start_time, end_time = new.end_time, doors_open_time = new.doors_open_time,
            capacity = case when new.total_seats <> old.total_seats then new.total_seats else new.capacity end,
            category = new.category, image_url = new.image_url, currency = new.currency,
            event_series_id = new.event_series_id,
            status = case
                when new.status <> old.status or new.is_active = old.is_active then new.status
                when new.is_active then 'on_sale' else 'off_sale' end
        where id = old.id;
    end if;
    select * into new from events where id = new.id;
    return new;
end $$;
create trigger write_event instead of insert or update or delete on box_office.events
for each row execute function box_office.write_event();

-- As if event_seats were a table: a seat that has changed since it was read is not written. A hold without a booking
-- lasts as long as one with a booking. A seat of a live booking changes only with the booking.
create function box_office.write_seat() returns trigger language plpgsql set search_path = box_office, pg_temp as $$
declare
    seat stored_seats;
begin
    if tg_op = 'DELETE' then
        delete from stored_seats where id = old.id;
        return old;
    elsif tg_op = 'INSERT' then
        insert into stored_seats (id, event_id, section, row_number, seat_number, base_price, dynamic_multiplier)
        values (coalesce(new.id, nextval(pg_get_serial_sequence('box_office.stored_seats', 'id'))), new.event_id,
            new.section, new.row_number, new.seat_number, coalesce(new.base_price, new.price),
            coalesce(new.dynamic_multiplier, 1.0)) returning id into new.id;
    else
        perform release_expired_seats(array[old.id]);
        select * into seat from stored_seats where id = old.id for no key update;
        if not found or seat.version <> old.version then
            return null;
        end if;
        if seat.current_booking_id is not null and (new.current_booking_id is distinct from seat.current_booking_id
            or new.status not in (seat.status, 'BOOKED')) then
            perform refuse('taken', format('Seat %s belongs to booking %s. Confirm or cancel the booking instead.',
                old.id, seat.current_booking_id));
        end if;
        update stored_seats set section = new.section, row_number = new.row_number, seat_number = new.seat_number,
            base_price = case when new.base_price <> old.base_price then new.base_price
                when new.price <> old.price and new.dynamic_multiplier = old.dynamic_multiplier then new.price
                else base_price end,
            dynamic_multiplier = case when new.dynamic_multiplier <> old.dynamic_multiplier
                then new.dynamic_multiplier
                when new.price <> old.price and new.base_price = old.base_price then 1.0
                else dynamic_multiplier end,
            status = new.status, current_booking_id = new.current_booking_id,
            held_until = case when new.status <> 'HOLD' then null
                when seat.status = 'HOLD' then seat.held_until
                else coalesce((select hold_expires_at from bookings where id = new.current_booking_id),
                    clock_timestamp() + (select hold_seconds from settings) * interval '1 second') end,
            version = greatest(new.version, seat.version + (new.status <> seat.status)::integer), updated_at = now()
        where id = old.id;
    end if;
    select * into new from event_seats where id = new.id;
    return new;
end $$;
create trigger write_seat instead of insert or update or delete on box_office.event_seats
for each row execute function box_office.write_seat();
