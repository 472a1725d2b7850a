-- The archive of an event: its seats, bookings and lines (booking_seats) go to cold storage together. Tickets, payments
-- and who bought stay here, so nothing that leads to a person leaves this schema.

create table box_office.event_archives (
    event_id bigint primary key references box_office.stored_events on delete restrict,
    step text not null check (step in ('begun', 'exported', 'verified', 'removed', 'restored')),
    reached_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 1,
    manifest_sha256 text,
    pinned_until date
);
comment on table box_office.event_archives is 'How far the archive of an event has come; its manifest; a restored event stays through pinned_until';

-- what an event had sold when it was archived: the answer of event_sales_summary from then on
create table box_office.archived_sales (
    event_id bigint primary key references box_office.stored_events on delete restrict,
    tickets_sold integer not null,
    gross numeric not null,
    refunds numeric not null,
    service_fees numeric not null,
    tickets_available integer not null,
    last_sale_at timestamptz
);

-- one row a section: what the seats were that have gone
create table box_office.archived_sections (
    event_id bigint not null references box_office.stored_events on delete restrict,
    section varchar(50) not null,
    lowest_face_value numeric(12, 2) not null,
    seats integer not null,
    available integer not null,
    primary key (event_id, section)
);

-- The columns of a booking that lead to a person. They do not go to cold storage, so erasing a user needs no file, and a
-- restored booking gets whom the database knows: an erased user stays erased.
create table box_office.archived_bookings (
    id bigint primary key,
    event_id bigint not null references box_office.stored_events on delete restrict,
    user_id bigint not null references box_office.users on delete restrict,
    payment_id varchar(255)
);
create index on box_office.archived_bookings (event_id);
create index on box_office.archived_bookings (user_id);
comment on table box_office.archived_bookings is 'Bookings in cold storage: who bought, which stays here';
alter table box_office.archived_bookings enable row level security;
create policy own_rows on box_office.archived_bookings for select using (user_id = (select box_office.buyer()));

alter table box_office.stored_events add constraint events_archived_are_over
check (archived_at is null or status in ('ended', 'cancelled'));

-- A notice outlives the booking that it is about.
alter table box_office.notifications drop constraint notifications_booking_id_fkey,
add foreign key (booking_id) references box_office.bookings on delete set null;
create index on box_office.notifications (booking_id) where booking_id is not null;

-- Tickets and payments refer to bookings and seats that may be in cold storage. Triggers take the place of the foreign
-- keys: who writes a reference locks the row, and a row that is referred to goes only into the archive.
alter table box_office.tickets drop constraint tickets_booking_id_fkey, drop constraint tickets_seat_id_fkey;
alter table box_office.payments drop constraint payments_booking_id_fkey;

create function box_office.refer_to_booking() returns trigger language plpgsql security definer
set search_path = box_office, pg_temp as $$
begin
    perform from bookings where id = new.booking_id for key share;
    if not found and not exists (select from archived_bookings where id = new.booking_id) then
        raise exception 'There is no booking %.', new.booking_id using errcode = 'foreign_key_violation';
    end if;
    return null;
end $$;
create function box_office.refer_to_seat() returns trigger language plpgsql security definer
set search_path = box_office, pg_temp as $$
begin
    perform from stored_seats where id = new.seat_id for key share;
    if not found and not exists (select from archived_bookings where id = new.booking_id) then
        raise exception 'There is no seat %.', new.seat_id using errcode = 'foreign_key_violation';
    end if;
    return null;
end $$;
create trigger refer_to_booking after insert or update of booking_id on box_office.tickets
for each row when (new.booking_id is not null) execute function box_office.refer_to_booking();
create trigger refer_to_seat after insert or update of booking_id, seat_id on box_office.tickets
for each row when (new.seat_id is not null) execute function box_office.refer_to_seat();
create trigger refer_to_booking after insert or update of booking_id on box_office.payments
for each row when (new.booking_id is not null) execute function box_office.refer_to_booking();

create or replace function box_office.keep_booking() returns trigger language plpgsql
set search_path = box_office, pg_temp as $$
begin
    if exists (select from archived_bookings where id = old.id) then
        return old;
    elsif old.status = 'CONFIRMED' then
        raise exception 'Booking % is confirmed and is kept. Refund it instead.', old.id
            using errcode = 'restrict_violation';
    elsif exists (select from tickets where booking_id = old.id)
        or exists (select from payments where booking_id = old.id) then
        raise exception 'Booking % has tickets or payments and is kept.', old.id
            using errcode = 'foreign_key_violation';
    end if;
    update stored_seats set status = 'AVAILABLE', current_booking_id = null, held_until = null, version = version + 1
    where current_booking_id = old.id;
    return old;
end $$;

create function box_office.keep_seats() returns trigger language plpgsql set search_path = box_office, pg_temp as $$
declare
    kept bigint;
begin
    select gone.id into kept
    from old_rows as gone
    inner join tickets on tickets.event_id = gone.event_id and tickets.seat_id = gone.id
    where not exists (select from archived_bookings where id = tickets.booking_id) limit 1;
    if found then
        raise exception 'Seat % has a ticket and is kept.', kept using errcode = 'foreign_key_violation';
    end if;
    return null;
end $$;
create trigger keep_seats after delete on box_office.stored_seats referencing old table as old_rows
for each statement execute function box_office.keep_seats();

-- Bookings that go to cold storage, or come back, are not logged one by one: that the event was archived is.
create or replace function box_office.audit() returns trigger language plpgsql security definer
set search_path = box_office, pg_temp as $$
declare
    the_actor constant text := coalesce('user ' || box_office.buyer(), session_user);
    personal constant text[] := '{email,first_name,last_name,full_name,password_hash,phone_number,stripe_customer_id,updated_at}';
begin
    if tg_op = 'UPDATE' then
        insert into audit_log (actor, relation, row_id, action, changed)
        select the_actor, tg_table_name, now_.id, 'UPDATE',
            (select jsonb_object_agg(field.key, field.value)
             from jsonb_each(to_jsonb(now_) - personal) as field
             where field.value is distinct from to_jsonb(was) -> field.key)
        from new_rows as now_ inner join old_rows as was on was.id = now_.id;
    elsif tg_op = 'INSERT' then
        insert into audit_log (actor, relation, row_id, action, changed)
        select the_actor, tg_table_name, now_.id, 'INSERT', jsonb_strip_nulls(to_jsonb(now_) - personal)
        from new_rows as now_
        where tg_table_name <> 'bookings' or not exists (select from archived_bookings where id = now_.id);
    else
        insert into audit_log (actor, relation, row_id, action)
        select the_actor, tg_table_name, was.id, 'DELETE' from old_rows as was
        where tg_table_name <> 'bookings' or not exists (select from archived_bookings where id = was.id);
    end if;
    return null;
end $$;

create or replace function box_office.mark_refunds() returns trigger language plpgsql security definer
set search_path = box_office, pg_temp as $$
begin
    insert into sales_marks (rollup, event_id, hour)
    select distinct 'event_sales_hours', coalesce(orders.event_id, bookings.event_id), hour_of(changed.created_at)
    from changed
    inner join payments on payments.id = changed.payment_id
    left join orders on orders.id = payments.order_id
    left join bookings on bookings.id = payments.booking_id
    where coalesce(orders.event_id, bookings.event_id) is not null;  -- an archived event keeps its rollups
    return null;
end $$;

-- every hour of an event, as after its restore
create function box_office.mark_event(the_event bigint) returns void
language sql set search_path = box_office, pg_temp as $$
    insert into sales_marks (rollup, event_id, hour)
    select rollup, the_event, hours.hour
    from (
        select hour_of(sold_at) as hour from reported_tickets where event_id = the_event
        union
        select hour_of(returned_at) from reported_tickets where event_id = the_event and returned_at is not null
        union
        select hour_of(paid_at) from reported_payments where event_id = the_event
        union
        select hour_of(refunded_at) from reported_refunds where event_id = the_event) as hours
    cross join unnest(array['sales_by_hour', 'event_sales_hours']) as rollup
    union all
    select rollup, the_event, timestamptz '-infinity'
    from unnest(array['event_sales_summary', 'sell_through']) as rollup
$$;

-- Why an event cannot be archived yet; null if it can. Its time is the caller's business.
create function box_office.why_not_archived(the_event bigint) returns text
language sql stable set search_path = box_office, pg_temp as $$
    select case
        when exists (select from orders where event_id = the_event and status = 'pending')
            or exists (select from bookings where event_id = the_event and status = 'HOLD')
            or exists (select from stored_seats where event_id = the_event and status = 'HOLD')
            then 'an order or a hold has not ended'
        when exists (
            select from payments
            left join orders on orders.id = payments.order_id
            left join bookings on bookings.id = payments.booking_id
            where payments.status in ('created', 'open') and coalesce(orders.event_id, bookings.event_id) = the_event)
            or exists (
                select from refunds
                inner join payments on payments.id = refunds.payment_id
                left join orders on orders.id = payments.order_id
                left join bookings on bookings.id = payments.booking_id
                where refunds.status = 'requested' and coalesce(orders.event_id, bookings.event_id) = the_event)
            then 'a payment or a refund is not settled'
        when exists (select from sales_marks where event_id = the_event)
            then 'its sales are not rolled up yet'
    end
$$;

-- Seats, bookings and lines leave. The caller has locked the event and has compared its rows with cold storage.
create function box_office.remove_archived(the_event bigint) returns void
language plpgsql set search_path = box_office, pg_temp as $$
begin
    insert into archived_sales
    select event_id, tickets_sold, gross, refunds, service_fees, tickets_available, last_sale_at
    from event_sales_summary where event_id = the_event;
    insert into archived_sections
    select event_id, section, min(base_price), count(*), count(*) filter (where status = 'AVAILABLE')
    from stored_seats where event_id = the_event group by event_id, section;
    insert into archived_bookings (id, event_id, user_id, payment_id)
    select id, event_id, user_id, payment_id from bookings where event_id = the_event;
    update stored_events set archived_at = clock_timestamp(),
        status = case status when 'cancelled' then status else 'ended' end where id = the_event;
    delete from waitlist where event_id = the_event;  -- nobody waits any more; offers refer to bookings
    delete from booking_seats where booking_id in (select id from archived_bookings where event_id = the_event);
    delete from stored_seats where event_id = the_event;
    delete from bookings where event_id = the_event;
    delete from sales_marks where event_id = the_event;  -- those of the removal itself
end $$;

-- The rows are back.
create function box_office.forget_archive(the_event bigint) returns void
language plpgsql set search_path = box_office, pg_temp as $$
begin
    delete from archived_bookings where event_id = the_event;
    delete from archived_sections where event_id = the_event;
    delete from archived_sales where event_id = the_event;
    perform mark_event(the_event);
end $$;

-- Seats are added to no event that is in cold storage.
create function box_office.refuse_archived() returns trigger language plpgsql
set search_path = box_office, pg_temp as $$
begin
    perform refuse('state', format('Event %s is in cold storage. Restore it first.', archived.id))
    from (
        select events.id from stored_events as events
        where events.archived_at is not null and events.id in (select event_id from written) limit 1) as archived;
    return null;
end $$;
create trigger refuse_archived after insert on box_office.stored_seats referencing new table as written
for each statement execute function box_office.refuse_archived();

create or replace view box_office.reported_events as
select
    id as event_id, promoter_id, title, venue, city, country, start_time, end_time, status, currency::text as currency,
    sales_are_public, archived_at,
    (coalesce((select sum(tiers.quantity) from box_office.stored_tiers as tiers where tiers.event_id = events.id), 0)
    + coalesce((select sum(deltas.seats) from box_office.seat_deltas as deltas where deltas.event_id = events.id), 0)
    + coalesce((select sum(gone.seats) from box_office.archived_sections as gone where gone.event_id = events.id), 0)
    )::integer as house,
    (coalesce((select sum(tiers.quantity - tiers.sold - tiers.reserved) from box_office.ticket_tiers as tiers
               where tiers.event_id = events.id), 0)
    + (select seated.available_seats from box_office.events as seated where seated.id = events.id)
    + coalesce((select sum(gone.available) from box_office.archived_sections as gone
                where gone.event_id = events.id), 0)
    )::integer as tickets_available
from box_office.stored_events as events;

create or replace view box_office.reported_places as
select
    event_id, id as tier_id, name::text as tier, null::text as section, price as lowest_face_value,
    quantity as house
from box_office.stored_tiers
union all
select event_id, null, null, section::text, min(base_price), count(*)::integer
from box_office.stored_seats group by event_id, section
union all
select event_id, null, null, section::text, lowest_face_value, seats from box_office.archived_sections;

create or replace view box_office.user_tickets_summary with (security_invoker) as
select
    coalesce(orders.user_id, bookings.user_id, archived.user_id) as user_id, tickets.id as ticket_id,
    tickets.ticket_code, tickets.status as ticket_status, events.id as event_id, events.title as event_title,
    events.start_time as event_start_time, events.venue, tiers.name as tier, seats.section,
    seats.row_number as "row", seats.seat_number as seat
from box_office.tickets as tickets
inner join box_office.events as events on events.id = tickets.event_id
left join box_office.orders as orders on orders.id = tickets.order_id
left join box_office.bookings as bookings on bookings.id = tickets.booking_id
left join box_office.archived_bookings as archived on archived.id = tickets.booking_id
left join box_office.ticket_tiers as tiers on tiers.id = tickets.tier_id
left join box_office.event_seats as seats on seats.id = tickets.seat_id;
alter policy own_rows on box_office.tickets using (
    order_id in (select id from box_office.orders) or booking_id in (select id from box_office.bookings)
    or booking_id in (select id from box_office.archived_bookings));
alter policy own_rows on box_office.payments using (
    order_id in (select id from box_office.orders) or booking_id in (select id from box_office.bookings)
    or booking_id in (select id from box_office.archived_bookings));

-- one row an event; money that came late or twice and was returned is in neither gross nor refunds
create or replace view box_office.event_sales_summary as
select
    events.id as event_id, events.title, events.promoter_id, events.start_time, sums.tickets_sold,
    sums.gross, sums.refunds, sums.gross - sums.refunds as net, sums.service_fees, sums.tickets_available,
    case when sums.tickets_sold + sums.tickets_available > 0
        then round(sums.tickets_sold::numeric / (sums.tickets_sold + sums.tickets_available), 4) end as sell_through,
    sums.last_sale_at
from box_office.events as events
cross join lateral (
    select
        (select count(*)::integer from box_office.tickets as tickets
         where tickets.event_id = events.id and tickets.status in ('valid', 'used')) as tickets_sold,
        coalesce((select sum(orders.total_amount) from box_office.orders as orders
                  where orders.event_id = events.id and orders.paid_at is not null), 0)
        + coalesce((select sum(bookings.total_amount) from box_office.bookings as bookings
                    where bookings.event_id = events.id and bookings.confirmed_at is not null), 0) as gross,
        coalesce((select sum(refunds.amount)
                  from box_office.refunds as refunds
                  inner join box_office.payments as payments on payments.id = refunds.payment_id
                  left join box_office.orders as orders on orders.id = payments.order_id
                  left join box_office.bookings as bookings on bookings.id = payments.booking_id
                  where refunds.kind = 'refund' and refunds.status <> 'failed'
                      and coalesce(orders.event_id, bookings.event_id) = events.id), 0) as refunds,
        coalesce((select sum(orders.service_fee) from box_office.orders as orders
                  where orders.event_id = events.id and orders.paid_at is not null), 0) as service_fees,
        events.available_seats + coalesce(
            (select sum(tiers.quantity - tiers.sold - tiers.reserved) from box_office.ticket_tiers as tiers
             where tiers.event_id = events.id), 0)::integer as tickets_available,
        greatest(
            (select max(orders.paid_at) from box_office.orders as orders where orders.event_id = events.id),
            (select max(bookings.confirmed_at) from box_office.bookings as bookings
             where bookings.event_id = events.id)) as last_sale_at
    where not exists (select from box_office.archived_sales as archived where archived.event_id = events.id)
    union all
    select tickets_sold, gross, refunds, service_fees, tickets_available, last_sale_at
    from box_office.archived_sales as archived where archived.event_id = events.id) as sums;
