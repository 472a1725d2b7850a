-- Roles without a login. tickettape_buyer acts for one buyer, whom `set local box_office.user_id` names: it sees what is
-- for sale and what is that buyer's. tickettape_promoter acts for one promoter in the same way, with that promoter's events.
-- tickettape_accounts signs people up and logs them in, and tickettape_payments writes what a provider says: nothing else.
-- tickettape_box_office is for the people who run the box office.
do $$
declare
    wanted text;
begin
    foreach wanted in array array[
        'tickettape_buyer', 'tickettape_promoter', 'tickettape_accounts', 'tickettape_payments',
        'tickettape_box_office'] loop
        begin
            if to_regrole(wanted) is null then
                execute format('create role %I nologin', wanted);
            end if;
        exception when duplicate_object or unique_violation then null;  -- another database's program made it
        end;
        if not (select rolsuper from pg_roles where rolname = current_user) then
            execute format('grant %I to current_user', wanted);
        end if;
    end loop;
end $$;

revoke all on all tables in schema box_office from public, tickettape_buyer, tickettape_promoter, tickettape_accounts,
tickettape_payments, tickettape_box_office;
revoke all on all functions in schema box_office from public, tickettape_buyer, tickettape_promoter,
tickettape_accounts, tickettape_payments, tickettape_box_office;
grant usage on schema box_office to tickettape_buyer, tickettape_promoter, tickettape_accounts, tickettape_payments,
tickettape_box_office;

grant select on box_office.events, box_office.ticket_tiers, box_office.event_seats, box_office.seat_views,
box_office.active_events_with_availability to tickettape_buyer;
grant select (id, email, first_name, last_name, full_name, role, is_verified, created_at) on box_office.users
to tickettape_buyer;
grant select on box_office.orders, box_office.order_items, box_office.bookings, box_office.booking_seats,
box_office.archived_bookings, box_office.tickets, box_office.payments, box_office.refunds, box_office.waitlist, box_office.offers,
box_office.notifications, box_office.user_tickets_summary to tickettape_buyer;
grant execute on function box_office.buyer(),
box_office.reserve(bigint, bigint, bigint [], integer [], text), box_office.cancel_order(bigint),
box_office.hold(bigint, bigint, bigint [], text),
box_office.hold_best_available(bigint, bigint, integer, text, text, numeric), box_office.extend(bigint),
box_office.cancel(bigint), box_office.start_payment(bigint, bigint, text),
box_office.join_waitlist(bigint, bigint, bigint, integer, text, numeric) to tickettape_buyer;

grant select on box_office.sessions to tickettape_buyer;
grant execute on function box_office.refuse(text, text), box_office.user_answer(), box_office.sessions_answer(bytea),
box_office.revoke_sessions(bigint, bytea), box_office.event_answer(bigint),
box_office.events_answer(text, text, text, timestamptz, timestamptz, timestamptz, bigint, integer),
box_office.availability_answer(bigint), box_office.seat_map_version(bigint), box_office.seat_map_answer(bigint),
box_office.section_answer(bigint, text), box_office.rules_answer(), box_office.extend_once(bigint, text),
box_office.cancel_once(bigint, text), box_office.cancel_order_once(bigint, text),
box_office.start_payment_once(bigint, bigint, text, text),
box_office.join_waitlist_once(bigint, bigint, integer, text, numeric, text), box_office.leave_waitlist(bigint, text),
box_office.seconds_until(timestamptz), box_office.zone_of(bigint),
box_office.given_back_of(bigint, bigint), box_office.extensions_left(integer), box_office.people_before(bigint, bigint),
box_office.order_answer(bigint), box_office.booking_answer(bigint), box_office.orders_answer(integer),
box_office.bookings_answer(integer), box_office.tickets_answer(bigint, boolean, integer),
box_office.waitlist_answer(bigint), box_office.waitlist_mail(text, boolean) to tickettape_buyer;

grant execute on function box_office.create_promoter_event(jsonb, text),
box_office.change_promoter_event(bigint, jsonb, text), box_office.add_promoter_tier(bigint, jsonb, text),
box_office.change_promoter_tier(bigint, bigint, numeric, integer, boolean, text, text),
box_office.add_promoter_seats(bigint, text [], text [], text [], numeric [], text),
box_office.change_promoter_prices(bigint, numeric, text, text, text),
box_office.refund_promoter_sale(bigint, bigint, bigint, bigint [], text, text),
box_office.scan_promoter_ticket(bigint, text, text), box_office.promoter_events_answer(bigint),
box_office.promoter_tiers_answer(bigint, bigint), box_office.promoter_price_changes_answer(bigint, integer),
box_office.promoter_sales_answer(bigint),
box_office.promoter_purchases(bigint, timestamptz, text, bigint, integer), box_office.check_seller(bigint)
to tickettape_promoter;

grant execute on function box_office.credentials(text), box_office.sign_up(text, text, text),
box_office.renew_password_hash(bigint, text, text), box_office.open_session(bigint, bytea, integer)
to tickettape_accounts;

grant execute on function box_office.payment_opened(bigint, text), box_office.payment_failed(bigint, text, text),
box_office.payment_succeeded(bigint, numeric, text),
box_office.note_payment_event(text, text, text, bigint, text, numeric, text) to tickettape_payments;

grant select on box_office.event_sales_summary, box_office.events, box_office.ticket_tiers, box_office.event_seats,
box_office.seat_views, box_office.active_events_with_availability, box_office.price_changes
to tickettape_box_office;
grant execute on function box_office.purchase(bigint, bigint, bigint [], integer [], text, text),
box_office.confirm(bigint, text), box_office.refund(bigint, bigint, bigint [], text), box_office.offer(bigint),
box_office.offer_next(bigint), box_office.scan_ticket(text, bigint), box_office.erase_user(bigint),
box_office.change_capacity(bigint, integer), box_office.change_tier_price(bigint, numeric, text),
box_office.change_prices(bigint, numeric, text, text), box_office.discrepancies(),
box_office.expire_orders(integer), box_office.expire_bookings(integer), box_office.fold(integer)
to tickettape_box_office;
