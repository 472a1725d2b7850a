create view box_office.active_events_with_availability as
select
    events.*,
    coalesce((select sum(tiers.quantity - tiers.sold - tiers.reserved) from box_office.ticket_tiers as tiers
              where tiers.event_id = events.id and tiers.is_active
                  and (tiers.sale_start_time is null or tiers.sale_start_time <= statement_timestamp())
                  and (tiers.sale_end_time is null or tiers.sale_end_time > statement_timestamp())), 0)
    + events.available_seats as tickets_available,
    least(
        (select min(tiers.price) from box_office.ticket_tiers as tiers
         where tiers.event_id = events.id and tiers.is_active and tiers.quantity > tiers.sold + tiers.reserved),
        (select min(seats.price) from box_office.event_seats as seats
         where seats.event_id = events.id and seats.status = 'AVAILABLE')) as lowest_price
from box_office.events as events
where events.status = 'on_sale';

create view box_office.user_tickets_summary with (security_invoker) as
select
    coalesce(orders.user_id, bookings.user_id) as user_id, tickets.id as ticket_id, tickets.ticket_code,
    tickets.status as ticket_status, events.id as event_id, events.title as event_title,
    events.start_time as event_start_time, events.venue, tiers.name as tier, seats.section,
    seats.row_number as "row", seats.seat_number as seat
from box_office.tickets as tickets
inner join box_office.events as events on events.id = tickets.event_id
left join box_office.orders as orders on orders.id = tickets.order_id
left join box_office.bookings as bookings on bookings.id = tickets.booking_id
left join box_office.ticket_tiers as tiers on tiers.id = tickets.tier_id
left join box_office.event_seats as seats on seats.id = tickets.seat_id;

-- one row an event; money that came late or twice and was returned is in neither gross nor refunds
create view box_office.event_sales_summary as
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
             where bookings.event_id = events.id)) as last_sale_at) as sums;

-- What must never be: rows here are faults, for the nightly check and for tests. Nothing in flight is one.
create function box_office.discrepancies() returns table (fault text, id bigint, found numeric, expected numeric)
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

-- Row-level security: a buyer sees what is theirs. The owner of the tables sees everything.
do $$
declare
    rule record;
begin
    for rule in
        select * from (values
            ('users', 'id = (select box_office.buyer())'),
            ('orders', 'user_id = (select box_office.buyer())'),
            ('bookings', 'user_id = (select box_office.buyer())'),
            ('waitlist', 'user_id = (select box_office.buyer())'),
            ('notifications', 'user_id = (select box_office.buyer())'),
            ('order_items', 'order_id in (select id from box_office.orders)'),
            ('booking_seats', 'booking_id in (select id from box_office.bookings)'),
            ('offers', 'waitlist_id in (select id from box_office.waitlist)'),
            ('tickets', 'order_id in (select id from box_office.orders) or booking_id in (select id from box_office.bookings)'),
            ('payments', 'order_id in (select id from box_office.orders) or booking_id in (select id from box_office.bookings)'),
            ('refunds', 'payment_id in (select id from box_office.payments)')
        ) as rules (relation, condition)
    loop
        execute format('alter table box_office.%I enable row level security', rule.relation);
        execute format('create policy own_rows on box_office.%I for select using (%s)', rule.relation, rule.condition);
    end loop;
end $$;
alter table box_office.audit_log enable row level security;
alter table box_office.requests enable row level security;
alter table box_office.payment_events enable row level security;

-- functions may be called by whom they are granted to, which the room does, and by nobody else
revoke all on all functions in schema box_office from public;
revoke all on schema box_office from public;
