alter table box_office.promoters add column tenant_id uuid references access.tenants on delete set null;
comment on column box_office.promoters.tenant_id is 'The tenant that may see what this promoter''s events sell';
alter table box_office.stored_events
    add column sales_are_public boolean not null default false,
    add column dynamic_pricing boolean not null default false,
    add column archived_at timestamptz;
comment on column box_office.stored_events.sales_are_public is 'Whether every tenant may see what this event sells';
comment on column box_office.stored_events.dynamic_pricing is 'Whether the prices of its free seats follow demand';
comment on column box_office.stored_events.archived_at is
    'When its seats, bookings and lines went to cold storage; its rollups stay as they were then';

-- When a ticket stopped to be sold. Sold tickets of an hour, less those that came back, add up to the tickets that hold.
alter table box_office.tickets add column returned_at timestamptz;
update box_office.tickets as tickets set returned_at = coalesce((
    select max(log.at) from box_office.audit_log as log
    where log.relation = 'tickets' and log.row_id = tickets.id and log.changed ? 'status'), tickets.created_at)
where status in ('refunded', 'void');
alter table box_office.tickets add constraint tickets_returned_at
check ((status in ('refunded', 'void')) = (returned_at is not null));
create function box_office.note_return() returns trigger language plpgsql as $$
begin
    new.returned_at := case when new.status in ('refunded', 'void')
        then coalesce(new.returned_at, clock_timestamp()) end;
    return new;
end $$;
create trigger note_return before insert or update of status, returned_at on box_office.tickets
for each row when (new.status in ('refunded', 'void') or new.returned_at is not null)
execute function box_office.note_return();

-- an event's hours are read by these
drop index box_office.orders_by_event;
create index orders_by_event on box_office.orders (event_id, paid_at);
drop index box_office.idx_bookings_event;
create index idx_bookings_event on box_office.bookings (event_id, confirmed_at);
drop index box_office.tickets_event_id_idx;
create index tickets_by_event on box_office.tickets (event_id, created_at);
create index tickets_returned on box_office.tickets (event_id, returned_at) where returned_at is not null;
create index refunds_made on box_office.refunds (created_at);

-- What reports read: no person's column, and none that leads to a person.

create view box_office.reported_events as
select
    id as event_id, promoter_id, title, venue, city, country, start_time, end_time, status, currency::text as currency,
    sales_are_public, archived_at,
    (coalesce((select sum(tiers.quantity) from box_office.stored_tiers as tiers where tiers.event_id = events.id), 0)
    + coalesce((select sum(deltas.seats) from box_office.seat_deltas as deltas where deltas.event_id = events.id), 0)
    )::integer as house,
    (coalesce((select sum(tiers.quantity - tiers.sold - tiers.reserved) from box_office.ticket_tiers as tiers
               where tiers.event_id = events.id), 0)
    + (select seated.available_seats from box_office.events as seated where seated.id = events.id)
    )::integer as tickets_available
from box_office.stored_events as events;

create view box_office.reported_places as
select
    event_id, id as tier_id, name::text as tier, null::text as section, price as lowest_face_value,
    quantity as house
from box_office.stored_tiers
union all
select event_id, null, null, section::text, min(base_price), count(*)::integer
from box_office.stored_seats group by event_id, section;

create view box_office.reported_tickets as
select
    tickets.event_id, tickets.tier_id, tiers.name::text as tier, seats.section::text as section, tickets.price,
    tickets.created_at as sold_at, tickets.returned_at
from box_office.tickets as tickets
left join box_office.stored_tiers as tiers on tiers.id = tickets.tier_id
left join box_office.stored_seats as seats on seats.id = tickets.seat_id;

create view box_office.reported_payments as
select event_id, paid_at, total_amount as gross, service_fee, tax from box_office.orders where paid_at is not null
union all
select event_id, confirmed_at, total_amount, 0::numeric(12, 2), 0::numeric(12, 2) from box_office.bookings where confirmed_at is not null;

-- money that came late or twice and was returned sold nothing, and is not here
create view box_office.reported_refunds as
select coalesce(orders.event_id, bookings.event_id) as event_id, refunds.created_at as refunded_at, refunds.amount
from box_office.refunds as refunds
inner join box_office.payments as payments on payments.id = refunds.payment_id
left join box_office.orders as orders on orders.id = payments.order_id
left join box_office.bookings as bookings on bookings.id = payments.booking_id
where refunds.kind = 'refund' and refunds.status <> 'failed';

-- of these, what is left changed because time passed; whoever tidies leaves a mark
create view box_office.overdue_events as
select event_id from box_office.orders where status = 'pending' and expires_at <= statement_timestamp()
union
select event_id from box_office.stored_seats where status = 'HOLD' and held_until <= statement_timestamp();

-- Which area of the marketplace's map a tier or a section is, said by a person. Without a row, equal names are the same.
create table box_office.zone_links (
    event_id bigint not null references box_office.stored_events on delete cascade,
    place varchar(255) not null,
    zone text,
    decided_by text not null,
    decided_at timestamptz not null default now(),
    primary key (event_id, place)
);
comment on table box_office.zone_links is 'Which zone of the resale market a tier or section is; null: none';

-- Marks, as in schema market: a writer says which hours of an event changed, and the next refresh recomputes them.
-- '-infinity' is the event as a whole: what is left of it, its title, its start.
create table box_office.sales_marks (
    rollup text not null,
    event_id bigint not null,
    hour timestamptz not null,
    marked_at timestamptz not null default clock_timestamp()
);
comment on table box_office.sales_marks is 'Hours of events, by rollup, that changed since the last refresh. It has no key, so that no writer waits';
create table box_office.sales_claims (
    rollup text not null,
    event_id bigint not null,
    hour timestamptz not null,
    primary key (rollup, event_id, hour)
);
comment on table box_office.sales_claims is 'The marks that a refresh has taken; empty between refreshes';

create function box_office.hour_of(instant timestamptz) returns timestamptz language sql immutable as $$
    select coalesce(date_bin('1 hour', instant, timestamptz '2000-01-01 00:00Z'), '-infinity')
$$;

create function box_office.mark_orders() returns trigger language plpgsql security definer
set search_path = box_office, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into sales_marks (rollup, event_id, hour)
        select distinct case when paid_at is null then 'event_sales_summary' else 'event_sales_hours' end, event_id,
            hour_of(paid_at) from new_rows;
    elsif tg_op = 'UPDATE' then
        insert into sales_marks (rollup, event_id, hour)
        select case when paid_at is null then 'event_sales_summary' else 'event_sales_hours' end, event_id,
            hour_of(paid_at)
        from (select event_id, paid_at from new_rows union select event_id, paid_at from old_rows) as changed;
    else
        insert into sales_marks (rollup, event_id, hour)
        select distinct case when paid_at is null then 'event_sales_summary' else 'event_sales_hours' end, event_id,
            hour_of(paid_at) from old_rows;
    end if;
    return null;
end $$;

-- what is left changes with the seats (count_seats); here it is about money
create function box_office.mark_bookings() returns trigger language plpgsql security definer
set search_path = box_office, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into sales_marks (rollup, event_id, hour)
        select distinct 'event_sales_hours', event_id, hour_of(confirmed_at) from new_rows
        where confirmed_at is not null;
    elsif tg_op = 'UPDATE' then
        insert into sales_marks (rollup, event_id, hour)
        select 'event_sales_hours', event_id, hour_of(confirmed_at)
        from (select event_id, confirmed_at from new_rows union select event_id, confirmed_at from old_rows) as changed
        where confirmed_at is not null;
    else
        insert into sales_marks (rollup, event_id, hour)
        select distinct 'event_sales_hours', event_id, hour_of(confirmed_at) from old_rows
        where confirmed_at is not null;
    end if;
    return null;
end $$;

create function box_office.mark_tickets() returns trigger language plpgsql security definer
set search_path = box_office, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into sales_marks (rollup, event_id, hour)
        select 'sales_by_hour', event_id, hour_of(created_at) from new_rows
        union
        select 'sales_by_hour', event_id, hour_of(returned_at) from new_rows where returned_at is not null;
    elsif tg_op = 'UPDATE' then
        -- not if a ticket was used: it stays sold
        insert into sales_marks (rollup, event_id, hour)
        select distinct 'sales_by_hour', changed.event_id, hour_of(changed.at)
        from old_rows as was inner join new_rows as now_ on now_.id = was.id
        cross join lateral (values (was.event_id, was.created_at), (was.event_id, was.returned_at),
            (now_.event_id, now_.created_at), (now_.event_id, now_.returned_at)) as changed (event_id, at)
        where (was.event_id, was.tier_id, was.seat_id, was.price, was.created_at, was.returned_at)
            is distinct from (now_.event_id, now_.tier_id, now_.seat_id, now_.price, now_.created_at, now_.returned_at)
            and changed.at is not null;
    else
        insert into sales_marks (rollup, event_id, hour)
        select 'sales_by_hour', event_id, hour_of(created_at) from old_rows
        union
        select 'sales_by_hour', event_id, hour_of(returned_at) from old_rows where returned_at is not null;
    end if;
    return null;
end $$;

create function box_office.mark_refunds() returns trigger language plpgsql security definer
set search_path = box_office, pg_temp as $$
begin
    insert into sales_marks (rollup, event_id, hour)
    select distinct 'event_sales_hours', coalesce(orders.event_id, bookings.event_id), hour_of(changed.created_at)
    from changed
    inner join payments on payments.id = changed.payment_id
    left join orders on orders.id = payments.order_id
    left join bookings on bookings.id = payments.booking_id;
    return null;
end $$;

-- of events and tiers: how many there are to sell, when it begins
create function box_office.mark_house() returns trigger language plpgsql security definer
set search_path = box_office, pg_temp as $$
declare
    changed constant jsonb := to_jsonb(case tg_op when 'DELETE' then old else new end);
    the_event constant bigint := changed ->> case tg_table_name when 'stored_events' then 'id' else 'event_id' end;
begin
    insert into sales_marks (rollup, event_id, hour)
    values ('event_sales_summary', the_event, '-infinity'), ('sell_through', the_event, '-infinity');
    return null;
end $$;

do $$
declare
    marked record;
begin
    for marked in select * from (values ('orders', 'mark_orders'), ('bookings', 'mark_bookings'),
        ('tickets', 'mark_tickets')) as tables (relation, marks)
    loop
        execute format('create trigger mark_inserted after insert on box_office.%I referencing new table as new_rows
            for each statement execute function box_office.%I()', marked.relation, marked.marks);
        execute format('create trigger mark_updated after update on box_office.%I referencing new table as new_rows
            old table as old_rows for each statement execute function box_office.%I()', marked.relation, marked.marks);
        execute format('create trigger mark_deleted after delete on box_office.%I referencing old table as old_rows
            for each statement execute function box_office.%I()', marked.relation, marked.marks);
    end loop;
end $$;
create trigger mark_inserted after insert on box_office.refunds referencing new table as changed
for each statement execute function box_office.mark_refunds();
create trigger mark_moved_from after update on box_office.refunds referencing old table as changed
for each statement execute function box_office.mark_refunds();
create trigger mark_moved_to after update on box_office.refunds referencing new table as changed
for each statement execute function box_office.mark_refunds();
create trigger mark_deleted after delete on box_office.refunds referencing old table as changed
for each statement execute function box_office.mark_refunds();
create trigger mark_house after insert or delete or update on box_office.stored_events
for each row execute function box_office.mark_house();
create trigger mark_house after insert or delete or update on box_office.stored_tiers
for each row execute function box_office.mark_house();

-- seats that became free or taken: the row of seat_deltas says so, and the mark goes with it
create or replace function box_office.count_seats() returns trigger language plpgsql
set search_path = box_office, pg_temp as $$
begin
    if tg_op = 'UPDATE' then
        with deltas as (
            insert into seat_deltas (event_id, seats, available)
            select now_.event_id, 0,
                sum((now_.status = 'AVAILABLE')::integer - (was.status = 'AVAILABLE')::integer)
            from new_rows as now_ inner join old_rows as was on was.id = now_.id
            where now_.status <> was.status group by now_.event_id
            having sum((now_.status = 'AVAILABLE')::integer - (was.status = 'AVAILABLE')::integer) <> 0
            returning event_id)
        insert into sales_marks (rollup, event_id, hour)
        select 'event_sales_summary', event_id, '-infinity' from deltas;
        return null;
    elsif tg_op = 'INSERT' then
        insert into seat_deltas (event_id, seats, available)
        select event_id, count(*), count(*) filter (where status = 'AVAILABLE') from new_rows group by event_id;
        insert into sales_marks (rollup, event_id, hour)
        select distinct rollup, event_id, timestamptz '-infinity'
        from new_rows cross join unnest(array['event_sales_summary', 'sell_through']) as rollup;
    else
        insert into seat_deltas (event_id, seats, available)
        select event_id, -count(*), -count(*) filter (where status = 'AVAILABLE') from old_rows
        where exists (select from stored_events where id = event_id) group by event_id;  -- not if the event goes too
        insert into sales_marks (rollup, event_id, hour)
        select distinct rollup, event_id, timestamptz '-infinity'
        from old_rows cross join unnest(array['event_sales_summary', 'sell_through']) as rollup;
    end if;
    return null;
end $$;

-- stock that is written without an order
create function box_office.mark_written_stock() returns trigger language plpgsql security definer
set search_path = box_office, pg_temp as $$
begin
    insert into sales_marks (rollup, event_id, hour) values ('event_sales_summary', new.event_id, '-infinity');
    return new;
end $$;
create trigger mark_written_stock instead of update on box_office.ticket_tiers
for each row execute function box_office.mark_written_stock();

-- Mail to buyers: who wants none about waitlists, and what became of a notice. In a table of its own, so that the token,
-- which unsubscribes whoever has it, is not in the audit log.
create table box_office.mail_preferences (
    user_id bigint primary key references box_office.users on delete cascade,
    token text not null unique default box_office.new_code(),
    off_at timestamptz
);
alter table box_office.notifications
    add column attempts integer not null default 0,
    add column error text;

revoke all on all functions in schema box_office from public;
