-- What is said twice under one key is done once. Whoever comes second waits here for the first. Returns the result of
-- the first, or null.
create function box_office.claim_request(the_user bigint, the_key text, the_request text) returns bigint
language plpgsql set search_path = box_office, pg_temp as $$
declare
    earlier requests;
begin
    insert into requests (user_id, key, request) values (the_user, the_key, the_request) on conflict do nothing;
    if found then
        return null;
    end if;
    select * into earlier from requests where user_id = the_user and key = the_key;
    if earlier.request <> the_request then
        perform refuse('key', 'This idempotency key was used for another request. Use a new key.');
    end if;
    return earlier.result;
end $$;

create function box_office.finish_request(the_user bigint, the_key text, the_result bigint) returns void
language sql set search_path = box_office, pg_temp as $$
    update requests set result = the_result where user_id = the_user and key = the_key
$$;

-- An order with its items, as yet without stock: whoever writes counters must do it last.
create function box_office.new_order(
    the_user bigint, the_event bigint, the_tiers bigint[], the_quantities integer[], the_status text,
    seconds integer, with_limits boolean default true
) returns box_office.orders language plpgsql set search_path = box_office, pg_temp as $$
declare
    rules record;
    asked record;
    made orders;
begin
    if coalesce(cardinality(the_tiers), 0) = 0 or cardinality(the_tiers) <> cardinality(the_quantities) then
        perform refuse('limit', 'An order needs one tier and one quantity for each of its lines.');
    end if;
    select settings.*, events.status, events.start_time, events.currency, events.title into rules
    from settings left join stored_events as events on events.id = the_event;
    perform check_on_sale(the_event, rules.title, rules.status, rules.start_time);
    select sum(line.quantity * tiers.price) as subtotal,
        min(format('There is no tier %s of %s.', line.tier_id, rules.title))
            filter (where tiers.event_id is distinct from the_event) as unknown,
        min(tiers.name) filter (where not tiers.is_active or tiers.sale_start_time > clock_timestamp()
            or tiers.sale_end_time <= clock_timestamp()) as closed,
        min(format('%s is sold in orders of %s to %s.', tiers.name, tiers.min_purchase, tiers.max_purchase))
            filter (where line.quantity not between tiers.min_purchase and tiers.max_purchase) as beyond,
        min(line.least) as least
    into asked
    from (
        select tier_id, sum(quantity) as quantity, min(quantity) as least
        from unnest(the_tiers, the_quantities) as given (tier_id, quantity) group by tier_id) as line
    left join stored_tiers as tiers on tiers.id = line.tier_id;
    if asked.unknown is not null then
        perform refuse('unknown', asked.unknown);
    elsif asked.closed is not null then
        perform refuse('not_on_sale', format('%s is not on sale now.', asked.closed));
    elsif asked.least < 1 then
        perform refuse('limit', 'A quantity must be at least 1.');
    elsif asked.beyond is not null and with_limits then
        perform refuse('limit', asked.beyond);
    end if;
    insert into orders (user_id, event_id, status, subtotal, service_fee, tax, total_amount, currency, expires_at,
        paid_at)
    select the_user, the_event, the_status, asked.subtotal, fee, tax, asked.subtotal + fee + tax, rules.currency,
        case when the_status = 'pending'
            then clock_timestamp() + coalesce(seconds, rules.order_seconds) * interval '1 second' end,
        case when the_status = 'paid' then clock_timestamp() end
    from (select round(asked.subtotal * rules.service_fee_rate, 2) as fee) as fees,
        lateral (select round((asked.subtotal + fee) * rules.tax_rate, 2) as tax) as taxes
    returning * into made;
    insert into order_items (order_id, tier_id, quantity, unit_price, reserved)
    select made.id, given.tier_id, given.quantity, tiers.price,
        case when the_status = 'pending' then given.quantity else 0 end
    from unnest(the_tiers, the_quantities) as given (tier_id, quantity)
    inner join stored_tiers as tiers on tiers.id = given.tier_id;
    return made;
end $$;

create function box_office.check_on_sale(
    the_event bigint, the_title text, the_status text, the_start timestamptz
) returns void language plpgsql set search_path = box_office, pg_temp as $$
begin
    if the_status is null then
        perform refuse('unknown', format('There is no event %s.', the_event));
    elsif the_status <> 'on_sale' or the_start <= clock_timestamp() then
        perform refuse('not_on_sale', format('%s is not on sale.', the_title));
    end if;
end $$;

-- Hold tickets for the time of settings.order_seconds, until they are paid. Returns the order.
create function box_office.reserve(
    the_user bigint, the_event bigint, the_tiers bigint[], the_quantities integer[], the_key text default null
) returns bigint language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    made orders;
    earlier bigint;
begin
    perform check_buyer(the_user);
    if the_key is not null then
        earlier := claim_request(the_user, the_key, format('reserve %s %s %s', the_event, the_tiers, the_quantities));
        if earlier is not null then
            return earlier;
        end if;
    end if;
    made := new_order(the_user, the_event, the_tiers, the_quantities, 'pending', null);
    perform take_lines(made.id, true);
    if the_key is not null then
        perform finish_request(the_user, the_key, made.id);
    end if;
    return made.id;
end $$;

-- Sell at once, for a payment that was taken elsewhere: at the counter, or nothing was to pay. Returns the order.
create function box_office.purchase(
    the_user bigint, the_event bigint, the_tiers bigint[], the_quantities integer[], the_key text default null,
    the_provider text default 'counter'
) returns bigint language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    made orders;
    earlier bigint;
begin
    if the_key is not null then
        earlier := claim_request(the_user, the_key, format('purchase %s %s %s', the_event, the_tiers, the_quantities));
        if earlier is not null then
            return earlier;
        end if;
    end if;
    made := new_order(the_user, the_event, the_tiers, the_quantities, 'paid', null);
    insert into payments (order_id, provider, amount, currency, status, succeeded_at)
    values (made.id, the_provider, made.total_amount, made.currency, 'succeeded', clock_timestamp());
    perform issue_tickets(made);
    perform take_lines(made.id, false);
    if the_key is not null then
        perform finish_request(the_user, the_key, made.id);
    end if;
    return made.id;
end $$;

-- all lines from the tiers' free stock, or none
create function box_office.take_lines(the_order bigint, as_reserved boolean) returns void
language plpgsql set search_path = box_office, pg_temp as $$
declare
    line record;
begin
    for line in
        select tier_id, sum(quantity)::integer as quantity from order_items where order_id = the_order
        group by tier_id order by tier_id
    loop
        perform write_stock(line.tier_id, -line.quantity, case when as_reserved then line.quantity else 0 end,
            case when as_reserved then 0 else line.quantity end);
    end loop;
end $$;

create function box_office.issue_tickets(the_order box_office.orders) returns void
language sql set search_path = box_office, pg_temp as $$
    insert into tickets (order_id, tier_id, event_id, price, ticket_code, qr_code)
    select the_order.id, items.tier_id, the_order.event_id, items.unit_price, code, 'TICKET:' || code
    from order_items as items, generate_series(1, items.quantity) as number,
        lateral (select new_code() as code where number > 0) as codes
    where items.order_id = the_order.id
$$;

-- Give back what an order has reserved.
create function box_office.free_items(the_order bigint, apart boolean) returns void
language plpgsql set search_path = box_office, pg_temp as $$
declare
    line record;
begin
    for line in
        with freed as (
            update order_items as items set reserved = 0 from order_items as was
            where items.order_id = the_order and items.reserved > 0 and was.id = items.id
            returning was.tier_id, was.reserved)
        select tier_id, sum(reserved)::integer as reserved from freed group by tier_id order by tier_id
    loop
        perform write_stock(line.tier_id, line.reserved, -line.reserved, 0, apart);
    end loop;
end $$;

-- The caller has locked the order.
create function box_office.end_order(the_order bigint, the_status text, apart boolean default false) returns void
language sql set search_path = box_office, pg_temp as $$
    select free_items(the_order, apart);
    update orders set status = the_status,
        cancelled_at = case when the_status = 'cancelled' then clock_timestamp() end where id = the_order;
$$;

-- also where people type the status
create function box_office.free_ended() returns trigger language plpgsql set search_path = box_office, pg_temp as $$
begin
    perform free_items(new.id, false);
    return null;
end $$;
create trigger free_ended after update of status on box_office.orders
for each row when (old.status = 'pending' and new.status in ('expired', 'cancelled'))
execute function box_office.free_ended();

-- What has expired of this tier is free: every writer that would refuse calls this first. It adds rows, because whoever
-- goes on to gather rows must not have locked one out of order.
create function box_office.release_expired(the_tier bigint) returns void
language plpgsql set search_path = box_office, pg_temp as $$
declare
    one bigint;
begin
    for one in
        select orders.id from orders
        where orders.event_id = (select event_id from stored_tiers where id = the_tier)
            and orders.status = 'pending' and orders.expires_at <= clock_timestamp()
            and exists (select from order_items as items where items.order_id = orders.id and items.tier_id = the_tier)
        order by orders.id for no key update skip locked
    loop
        perform end_order(one, 'expired', true);
    end loop;
end $$;

-- Returns whether anything was cancelled: a second cancel, and one after the order expired, frees nothing.
create function box_office.cancel_order(the_order bigint) returns boolean
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    found_order orders;
begin
    select * into found_order from orders where id = the_order for no key update;
    if not found then
        perform refuse('unknown', format('There is no order %s.', the_order));
    end if;
    perform check_buyer(found_order.user_id);
    if found_order.status in ('paid', 'partially_refunded') then
        perform refuse('state', format('Order %s is paid. Refund it instead.', the_order));
    end if;
    if found_order.status <> 'pending' then
        return false;
    end if;
    perform end_order(the_order, 'cancelled');
    return true;
end $$;

-- Orders end as expired in small steps, so that nobody waits. Whoever buys does not depend on this: it only tidies.
create function box_office.expire_orders(most integer default 500) returns integer
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    one bigint;
    ended integer := 0;
begin
    for one in
        select id from orders where status = 'pending' and expires_at <= clock_timestamp()
        order by id limit most for no key update skip locked
    loop
        perform end_order(one, 'expired', true);  -- apart: buyers need the counters that a batch would keep locked
        ended := ended + 1;
    end loop;
    return ended;
end $$;

-- The fewest that an order takes is checked when it is paid: until then lines may still be added.
create function box_office.check_fewest() returns trigger language plpgsql set search_path = box_office, pg_temp as $$
declare
    wrong record;
begin
    select tiers.name, tiers.min_purchase into wrong
    from order_items as items inner join stored_tiers as tiers on tiers.id = items.tier_id
    where items.order_id = new.id
    group by tiers.id having sum(items.quantity) < tiers.min_purchase limit 1;
    if found and not exists (select from offers where order_id = new.id) then
        perform refuse('limit', format('One order must have at least %s of %s.', wrong.min_purchase, wrong.name));
    end if;
    return null;
end $$;
create trigger check_fewest after update of status on box_office.orders
for each row when (old.status = 'pending' and new.status = 'paid') execute function box_office.check_fewest();

create function box_office.change_tier_price(the_tier bigint, the_price numeric, the_reason text) returns void
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    tier stored_tiers;
begin
    select * into tier from stored_tiers where id = the_tier for no key update;
    if not found then
        perform refuse('unknown', format('There is no tier %s.', the_tier));
    end if;
    update stored_tiers set price = the_price where id = the_tier;
    insert into price_changes (event_id, tier_id, old_price, new_price, reason)
    values (tier.event_id, the_tier, tier.price, the_price, the_reason);
end $$;

-- A multiplier for seats that are free now. What is held or booked keeps its price. Returns how many seats changed.
create function box_office.change_prices(
    the_event bigint, the_multiplier numeric, the_reason text, the_section text default null
) returns integer language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    changed integer;
begin
    perform release_expired_seats((
        select array_agg(id) from stored_seats
        where event_id = the_event and status = 'HOLD' and held_until <= clock_timestamp()));
    with free as (
        select id from stored_seats
        where event_id = the_event and status = 'AVAILABLE' and section = coalesce(the_section, section)
            and dynamic_multiplier <> the_multiplier
        order by id for no key update skip locked)
    update stored_seats set dynamic_multiplier = the_multiplier, updated_at = now()
    where id in (select id from free);
    get diagnostics changed = row_count;
    if changed > 0 then
        insert into price_changes (event_id, section, multiplier, seats, reason)
        values (the_event, the_section, the_multiplier, changed, the_reason);
    end if;
    return changed;
end $$;

-- Counters are tidied: one row of deltas for each event, and no more rows of a tier than it needs.
create function box_office.fold(most_events integer default 100) returns void
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    one record;
begin
    for one in select event_id from seat_deltas group by event_id having count(*) > 1 limit most_events loop
        with gone as (
            delete from seat_deltas where id in (
                select id from seat_deltas where event_id = one.event_id order by id for update skip locked)
            returning seats, available)
        insert into seat_deltas (event_id, seats, available)
        select one.event_id, sum(seats), sum(available) from gone having count(*) > 0;
    end loop;
    for one in select tier_id from tier_stock where slot >= 1000 group by tier_id limit most_events loop
        with kept as (
            select slot from tier_stock where tier_id = one.tier_id and slot < 1000
            order by random() limit 1 for update skip locked),
        gone as (
            delete from tier_stock where tier_id = one.tier_id and exists (select from kept) and slot in (
                select slot from tier_stock where tier_id = one.tier_id and slot >= 1000
                order by slot for update skip locked)
            returning free, reserved, sold)
        update tier_stock as stock
        set free = stock.free + more.free, reserved = stock.reserved + more.reserved, sold = stock.sold + more.sold
        from (select sum(free) as free, sum(reserved) as reserved, sum(sold) as sold from gone) as more, kept
        where stock.tier_id = one.tier_id and stock.slot = kept.slot and more.free is not null;
    end loop;
end $$;
