-- The tables as the two documents have them: counts in the rows of tiers and events, moved by everybody.
create schema letter;
create table letter.users (id serial primary key, email varchar(255) unique not null);
create table letter.events (id serial primary key, title varchar(500) not null, available_seats integer not null default 0);
create table letter.ticket_tiers (
    id serial primary key, event_id integer not null references letter.events, name varchar(255) not null,
    price numeric(10, 2) not null, quantity integer not null, sold integer not null default 0,
    reserved integer not null default 0, check (sold + reserved <= quantity));
create table letter.orders (
    id serial primary key, user_id integer not null references letter.users,
    event_id integer not null references letter.events, status varchar(20) not null,
    total_amount numeric(10, 2) not null, created_at timestamptz default now());
create index on letter.orders (user_id, status);
create table letter.order_items (
    id serial primary key, order_id integer not null references letter.orders on delete cascade,
    tier_id integer not null references letter.ticket_tiers, quantity integer not null);
create table letter.tickets (
    id serial primary key, order_id integer not null references letter.orders,
    tier_id integer not null references letter.ticket_tiers, event_id integer not null references letter.events,
    ticket_code varchar(255) not null unique default gen_random_uuid()::text, status varchar(20) default 'valid');
create index on letter.tickets (order_id, tier_id);

create type letter.seat_status as enum ('AVAILABLE', 'HOLD', 'BOOKED');
create table letter.bookings (
    id serial primary key, user_id integer not null references letter.users on delete cascade,
    event_id integer not null references letter.events on delete cascade, status varchar(20) not null default 'HOLD',
    total_amount numeric(10, 2) not null, hold_expires_at timestamp, created_at timestamp default now());
create index on letter.bookings (hold_expires_at) where status = 'HOLD' and hold_expires_at is not null;
create index on letter.bookings (user_id, status);
create index on letter.bookings (event_id);
create table letter.event_seats (
    id serial primary key, event_id integer not null references letter.events on delete cascade,
    section varchar(50) not null, row_number varchar(10) not null, seat_number varchar(10) not null,
    price numeric(10, 2) not null, status letter.seat_status not null default 'AVAILABLE',
    current_booking_id integer references letter.bookings on delete set null, version integer not null default 0,
    created_at timestamp default now(), updated_at timestamp default now(),
    unique (event_id, section, row_number, seat_number));
create index on letter.event_seats (event_id, status);
create index on letter.event_seats (current_booking_id) where current_booking_id is not null;
create index on letter.event_seats (event_id, section);
create table letter.booking_seats (
    id serial primary key, booking_id integer not null references letter.bookings on delete cascade,
    seat_id integer not null references letter.event_seats on delete cascade,
    price_at_booking numeric(10, 2) not null, created_at timestamp default now(), unique (booking_id, seat_id));
create index on letter.booking_seats (booking_id);
create index on letter.booking_seats (seat_id);

create function letter.update_available_seats() returns trigger language plpgsql as $$
begin
    if old.status = 'AVAILABLE' and new.status != 'AVAILABLE' then
        update letter.events set available_seats = available_seats - 1 where id = new.event_id;
    elsif old.status != 'AVAILABLE' and new.status = 'AVAILABLE' then
        update letter.events set available_seats = available_seats + 1 where id = new.event_id;
    end if;
    return new;
end $$;
create trigger trigger_update_available_seats after update of status on letter.event_seats
for each row execute function letter.update_available_seats();
