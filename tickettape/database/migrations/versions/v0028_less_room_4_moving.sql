-- Moving days between the tiers.

-- An insert or an update of rows of a past day unpacks that day, whoever writes.
create or replace function market.mark_listing_hours() returns trigger language plpgsql as $$
declare
    event_keys integer[];
    hours timestamptz[];
begin
    if market.is_moving_tiers() then
        return null;
    end if;
    with changed_hours as (
        select distinct event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z') as hour from changed
    ),
    marked as (
        insert into market.dirty_buckets (rollup, event_key, bucket)
        select rollup, event_key, hour
        from changed_hours
        cross join unnest(array['price_distribution', 'inventory_changes', 'listing_departures']) as rollups (rollup)
    )
    select array_agg(event_key), array_agg(hour) from changed_hours
    where hour < market.locked_before() and tg_op != 'DELETE'
    into event_keys, hours;
    if event_keys is not null then
        perform market.unpack_days(event_keys, hours);
    end if;
    return null;
end $$;

create function market.mark_packed_listing_hours() returns trigger language plpgsql as $$
begin
    if market.is_moving_tiers() then
        return null;
    end if;
    insert into market.dirty_buckets (rollup, event_key, bucket)
    select rollup, event_key, hour
    from (
        select distinct event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z') as hour
        from changed cross join unnest(ticks) as of_day (tick)
    ) as hours
    cross join unnest(array['price_distribution', 'inventory_changes', 'listing_departures']) as rollups (rollup);
    return null;
end $$;

create or replace function market.add_marks(target regclass) returns void language plpgsql as $$
declare
    marker text := case when target::text like '%packed_listing_changes%' then 'market.mark_packed_listing_hours'
                        when target::text like '%listing_changes%' then 'market.mark_listing_hours'
                        when target::text like '%price_ranges%' then 'market.mark_range_hours'
                        when target::text like '%packed_days%' then 'market.mark_packed_hours'
                        else 'market.mark_hours' end;
begin
    execute format($f$
        create trigger mark_inserted after insert on %1$s
            referencing new table as changed for each statement execute function %2$s();
        create trigger mark_deleted after delete on %1$s
            referencing old table as changed for each statement execute function %2$s();
        create trigger mark_moved_from after update on %1$s
            referencing old table as changed for each statement execute function %2$s();
        create trigger mark_moved_to after update on %1$s
            referencing new table as changed for each statement execute function %2$s();
        create trigger refuse_truncate before truncate on %1$s
            for each statement execute function market.refuse_truncate();
    $f$, target, marker);
end $$;
select market.add_marks('market.packed_listing_changes');

-- The months that are attached get their partition, with the same triggers as their other tables.
do $$
declare
    known record;
    name text;
begin
    for known in select month, state from market.months where state in ('open', 'closed', 'restored') loop
        name := 'packed_listing_changes_' || to_char(known.month, 'YYYY_MM');
        execute format('create table market.%I partition of market.packed_listing_changes for values from (%L) to (%L)',
                       name, known.month, (known.month + interval '1 month')::date);
        perform market.add_marks(('market.' || name)::regclass);
        if known.state = 'closed' then
            execute format('create trigger refuse_write before insert or update or delete on market.%I
                            for each row execute function market.refuse_write()', name);
        end if;
    end loop;
end $$;

-- Makes packed days rows again: their snapshots and their listing history. Whoever changes one of them calls it first, in
-- the same transaction. Until that ends, these days are not packed. Returns how many snapshots came back.
create or replace function market.unpack_days(event_keys integer[], ticks timestamptz[]) returns integer
language plpgsql as $$
declare
    moving constant text := coalesce(current_setting('tickettape.moving_tiers', true), '');
    past_keys integer[];
    past_dates date[];
    packed bigint;
    unpacked integer;
    deltas bigint;
begin
    select array_agg(written.event_key), array_agg(written.date)
    from (
        select distinct event_key, (tick at time zone 'UTC')::date as date
        from unnest(event_keys, ticks) as given (event_key, tick)
        where tick < market.locked_before()
    ) as written
    into past_keys, past_dates;
    if past_keys is null then
        return 0;  -- nothing so new is packed
    end if;
    perform set_config('tickettape.moving_tiers', 'on', true);
    perform pg_advisory_xact_lock_shared(7153911, lock)
    from (
        select distinct market.tier_lock(event_key, date) as lock
        from unnest(past_keys, past_dates) as written (event_key, date)
    ) as locks;
    with days as (
        delete from market.packed_days as gone
        using unnest(past_keys, past_dates) as written (event_key, date)
        where gone.event_key = written.event_key and gone.date = written.date
        returning gone.*
    ),
    rows as (
        insert into market.section_snapshots (
            event_key, tick, section_key, price_sum_cents, lowest_price_cents, highest_price_cents,
            lowest_price_1ticket_cents, lowest_price_2tickets_cents, lowest_price_4tickets_cents,
            lowest_all_in_price_cents, total_tickets, total_listings)
        select
            event_key, unnest(days.ticks), unnest(section_keys), unnest(price_sum_cents), unnest(lowest_price_cents),
            unnest(highest_price_cents), unnest(lowest_price_1ticket_cents), unnest(lowest_price_2tickets_cents),
            unnest(lowest_price_4tickets_cents), unnest(lowest_all_in_price_cents), unnest(total_tickets),
            unnest(total_listings)
        from days
        returning 1
    )
    select (select coalesce(sum(row_count), 0) from days), (select count(*) from rows) into packed, unpacked;
    if unpacked != packed then
        raise exception 'packed days held % snapshots, and % came out', packed, unpacked;
    end if;
    with days as (
        delete from market.packed_listing_changes as gone
        using unnest(past_keys, past_dates) as written (event_key, date)
        where gone.event_key = written.event_key and gone.date = written.date
        returning gone.*
    ),
    rows as (
        insert into market.listing_changes
        select deltas.* from days cross join lateral market.deltas_of(days) as deltas
        returning 1
    )
    select (select coalesce(sum(delta_count), 0) from days), (select count(*) from rows) into packed, deltas;
    if deltas != packed then
        raise exception 'packed days held % rows of the listing history, and % came out', packed, deltas;
    end if;
    perform set_config('tickettape.moving_tiers', moving, true);
    return unpacked;
end $$;

-- Packs the snapshots of an event's day, compares what it packed with the rows, and deletes them. Returns how many. Its
-- caller is pack_day, which knows that nobody writes.
create function market.pack_snapshots_of(of_event integer, of_date date) returns integer language plpgsql as $$
declare
    first timestamptz := of_date::timestamp at time zone 'UTC';
    next timestamptz := (of_date + 1)::timestamp at time zone 'UTC';
    stored text;
    found text;
    deleted integer;
    packed integer;
begin
    if exists (select from market.packed_days where event_key = of_event and date = of_date) then
        return 0;
    end if;
    -- one pass over the rows: it collects the arrays, counts and adds up the values, and makes a hash of all of them that
    -- does not depend on the order
    with collected as materialized (
        select
            count(*) as row_count, array_agg(section_key) as section_keys, array_agg(tick) as ticks,
            array_agg(price_sum_cents) as price_sum_cents, array_agg(lowest_price_cents) as lowest_price_cents,
            array_agg(highest_price_cents) as highest_price_cents,
            array_agg(lowest_price_1ticket_cents) as lowest_price_1ticket_cents,
            array_agg(lowest_price_2tickets_cents) as lowest_price_2tickets_cents,
            array_agg(lowest_price_4tickets_cents) as lowest_price_4tickets_cents,
            array_agg(lowest_all_in_price_cents) as lowest_all_in_price_cents,
            array_agg(total_tickets) as total_tickets, array_agg(total_listings) as total_listings,
            format('%s rows, %s cents, %s tickets, %s listings, hash %s', count(*), sum(price_sum_cents),
                   sum(total_tickets), sum(total_listings), bit_xor(hash_record_extended(row(
                event_key, tick, section_key, price_sum_cents, lowest_price_cents, highest_price_cents,
                lowest_price_1ticket_cents, lowest_price_2tickets_cents, lowest_price_4tickets_cents,
                lowest_all_in_price_cents, total_tickets, total_listings), 0))) as summary
        from (
            select * from market.section_snapshots
            where event_key = of_event and tick >= first and tick < next
            order by section_key, tick
        ) as snapshots
    ),
    inserted as (
        insert into market.packed_days (
            date, event_key, row_count, section_keys, ticks, price_sum_cents, lowest_price_cents, highest_price_cents,
            lowest_price_1ticket_cents, lowest_price_2tickets_cents, lowest_price_4tickets_cents,
            lowest_all_in_price_cents, total_tickets, total_listings)
        select
            of_date, of_event, row_count, section_keys, ticks, price_sum_cents, lowest_price_cents, highest_price_cents,
            lowest_price_1ticket_cents, lowest_price_2tickets_cents, lowest_price_4tickets_cents,
            lowest_all_in_price_cents, total_tickets, total_listings
        from collected
        where row_count > 0
    )
    select summary from collected into stored;
    select
        format('%s rows, %s cents, %s tickets, %s listings, hash %s', count(*), sum(price_sum_cents),
               sum(total_tickets), sum(total_listings), bit_xor(hash_record_extended(row(
            event_key, tick, section_key, price_sum_cents, lowest_price_cents, highest_price_cents,
            lowest_price_1ticket_cents, lowest_price_2tickets_cents, lowest_price_4tickets_cents,
            lowest_all_in_price_cents, total_tickets, total_listings), 0)))
    from market.packed_snapshots
    where event_key = of_event and date = of_date
    into found;
    if stored is distinct from found then
        raise exception 'event_key % on % was not packed: stored are %, packed are %', of_event, of_date, stored, found;
    end if;
    delete from market.section_snapshots where event_key = of_event and tick >= first and tick < next;
    get diagnostics deleted = row_count;
    select coalesce(sum(row_count), 0) from market.packed_days where event_key = of_event and date = of_date
    into packed;
    if deleted != packed then
        raise exception 'event_key % on % was not packed: % rows were packed and % deleted',
            of_event, of_date, packed, deleted;
    end if;
    return packed;
end $$;

-- The same for the listing history of an event's day.
create function market.pack_listings_of(of_event integer, of_date date) returns integer language plpgsql as $$
declare
    first timestamptz := of_date::timestamp at time zone 'UTC';
    next timestamptz := (of_date + 1)::timestamp at time zone 'UTC';
    stored text;
    found text;
    deleted integer;
    packed integer;
begin
    if exists (select from market.packed_listing_changes where event_key = of_event and date = of_date) then
        return 0;
    end if;
    with stored_deltas as materialized (
        select * from market.listing_changes
        where event_key = of_event and tick >= first and tick < next
        order by tick
    ),
    deltas as (
        select
            count(*) as delta_count, count(*) filter (where not partial) as ok_count, array_agg(tick) as ticks,
            array_agg(kept) as kept, array_agg(born) as born, array_agg(partial) as partial,
            array_agg(cardinality(numbers)) as offer_counts, array_agg(cardinality(changed)) as step_counts,
            array_agg(cardinality(stored_deltas.unseen)) as unseen_counts
        from stored_deltas
    ),
    offers as (
        select
            array_agg(number) as numbers, array_agg(listing_id) as listing_ids, array_agg(section_key) as section_keys,
            array_agg(seat_row) as seat_rows, array_agg(offer_terms_key) as offer_terms_keys,
            array_agg(price) as prices_cents, array_agg(all_in_price) as all_in_prices_cents,
            array_agg(deal_score) as deal_scores, array_agg(seen_since) as since
        from (
            select offer.*
            from stored_deltas
            cross join lateral unnest(
                numbers, listing_ids, section_keys, seat_rows, offer_terms_keys, prices_cents, all_in_prices_cents,
                deal_scores, since
            ) with ordinality as offer (
                number, listing_id, section_key, seat_row, offer_terms_key, price, all_in_price, deal_score, seen_since,
                place
            )
            order by tick, place
        ) as one
    ),
    steps as (
        select
            array_agg(number) as changed, array_agg(price) as price_steps, array_agg(all_in) as all_in_steps,
            array_agg(score) as score_steps
        from (
            select step.*
            from stored_deltas
            cross join lateral unnest(changed, price_steps, all_in_steps, score_steps)
                with ordinality as step (number, price, all_in, score, place)
            order by tick, place
        ) as one
    ),
    not_shown as (
        select array_agg(number) as unseen
        from (
            select one.number
            from stored_deltas
            cross join lateral unnest(stored_deltas.unseen) with ordinality as one (number, place)
            order by tick, place
        ) as one
    )
    insert into market.packed_listing_changes (
        date, event_key, delta_count, ok_count, ticks, kept, born, partial, offer_counts, step_counts, unseen_counts,
        numbers, listing_ids, section_keys, seat_rows, offer_terms_keys, prices_cents, all_in_prices_cents, deal_scores,
        since, changed, price_steps, all_in_steps, score_steps, unseen)
    select
        of_date, of_event, delta_count, ok_count, ticks, kept, born, partial, offer_counts, step_counts, unseen_counts,
        coalesce(numbers, '{}'), coalesce(listing_ids, '{}'), coalesce(section_keys, '{}'), coalesce(seat_rows, '{}'),
        coalesce(offer_terms_keys, '{}'), coalesce(prices_cents, '{}'), coalesce(all_in_prices_cents, '{}'),
        coalesce(deal_scores, '{}'), coalesce(since, '{}'), coalesce(changed, '{}'), coalesce(price_steps, '{}'),
        coalesce(all_in_steps, '{}'), coalesce(score_steps, '{}'), coalesce(unseen, '{}')
    from deltas cross join offers cross join steps cross join not_shown
    where delta_count > 0;
    select format('%s rows, hash %s', count(*), bit_xor(hash_record_extended(changes, 0)))
    from market.listing_changes as changes
    where event_key = of_event and tick >= first and tick < next
    into stored;
    select format('%s rows, hash %s', count(*), bit_xor(hash_record_extended(deltas, 0)))
    from market.packed_listing_changes as days cross join lateral market.deltas_of(days) as deltas
    where days.event_key = of_event and days.date = of_date
    into found;
    if stored is distinct from found then
        raise exception 'the listing history of event_key % on % was not packed: stored are %, packed are %',
            of_event, of_date, stored, found;
    end if;
    delete from market.listing_changes where event_key = of_event and tick >= first and tick < next;
    get diagnostics deleted = row_count;
    select coalesce(sum(delta_count), 0) from market.packed_listing_changes
    where event_key = of_event and date = of_date
    into packed;
    if deleted != packed then
        raise exception 'the listing history of event_key % on % was not packed: % rows were packed and % deleted',
            of_event, of_date, packed, deleted;
    end if;
    return packed;
end $$;

-- Packs an event's day in the caller's transaction: its snapshots and its listing history. What was packed is compared with
-- the rows, which are then deleted. Returns how many rows of each, or why it did nothing: somebody is writing, or work on
-- the day is not done.
drop function market.pack_day(integer, date);
create function market.pack_day(
    of_event integer, of_date date, out packed integer, out packed_deltas integer, out skipped text
) language plpgsql as $$
declare
    moving constant text := coalesce(current_setting('tickettape.moving_tiers', true), '');
    first timestamptz := of_date::timestamp at time zone 'UTC';
    next timestamptz := (of_date + 1)::timestamp at time zone 'UTC';
begin
    packed := 0;
    packed_deltas := 0;
    if next > now() - interval '2 days' then
        skipped := 'it ended less than two days ago';
    elsif not market.month_is_writable(first) then
        skipped := 'its month takes no writes';
    elsif not pg_try_advisory_xact_lock(7153911, market.tier_lock(of_event, of_date)) then
        skipped := 'somebody writes';
    elsif exists (
        select from market.dirty_buckets where event_key = of_event and bucket >= first and bucket < next
    ) or exists (
        select from market.claimed_buckets where event_key = of_event and bucket >= first and bucket < next
    ) then
        skipped := 'a rollup is not refreshed';
    elsif exists (
        select from market.captures
        where event_key = of_event and tick >= first and tick < next and status = 'received'
    ) then
        skipped := 'an answer is not read';
    elsif not exists (
        select from market.section_snapshots where event_key = of_event and tick >= first and tick < next
    ) and not exists (
        select from market.listing_changes where event_key = of_event and tick >= first and tick < next
    ) then
        skipped := 'it has no rows';
    end if;
    if skipped is not null then
        return;
    end if;
    perform set_config('tickettape.moving_tiers', 'on', true);
    packed := market.pack_snapshots_of(of_event, of_date);
    packed_deltas := market.pack_listings_of(of_event, of_date);
    perform set_config('tickettape.moving_tiers', moving, true);
end $$;
