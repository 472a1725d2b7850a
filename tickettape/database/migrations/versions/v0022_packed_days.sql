-- The warm tier: the snapshots of an event's day as one row with an array for each column. It takes a fifteenth of the
-- space, because the compressor meets the values of one section side by side, and they seldom change.
create table market.packed_days (
    date date not null,
    event_key integer not null,
    row_count integer not null check (row_count > 0),
    section_keys integer[] not null,
    ticks timestamptz[] not null,
    price_sum_cents bigint[] not null,
    lowest_price_cents integer[] not null,
    highest_price_cents integer[] not null,
    lowest_price_1ticket_cents integer[] not null,
    lowest_price_2tickets_cents integer[] not null,
    lowest_price_4tickets_cents integer[] not null,
    lowest_all_in_price_cents integer[] not null,
    total_tickets integer[] not null,
    total_listings integer[] not null,
    primary key (event_key, date)
) partition by range (date);
comment on table market.packed_days is
    'Section snapshots of past days: one row per event and UTC day, with an array per column, ordered by section and tick';
comment on column market.packed_days.row_count is 'How many snapshots the arrays hold';

-- unnest in the select list: no tuple store for each array, and conditions on event and date reach the table
create view market.packed_snapshots with (security_invoker) as
select
    date,
    event_key,
    unnest(ticks) as tick,
    unnest(section_keys) as section_key,
    unnest(price_sum_cents) as price_sum_cents,
    unnest(lowest_price_cents) as lowest_price_cents,
    unnest(highest_price_cents) as highest_price_cents,
    unnest(lowest_price_1ticket_cents) as lowest_price_1ticket_cents,
    unnest(lowest_price_2tickets_cents) as lowest_price_2tickets_cents,
    unnest(lowest_price_4tickets_cents) as lowest_price_4tickets_cents,
    unnest(lowest_all_in_price_cents) as lowest_all_in_price_cents,
    unnest(total_tickets) as total_tickets,
    unnest(total_listings) as total_listings
from market.packed_days;
comment on view market.packed_snapshots is 'The rows of packed_days. Without a condition on date it unpacks every day';

create view market.all_snapshots with (security_invoker) as
select
    (tick at time zone 'UTC')::date as date,
    event_key,
    tick,
    section_key,
    price_sum_cents,
    lowest_price_cents,
    highest_price_cents,
    lowest_price_1ticket_cents,
    lowest_price_2tickets_cents,
    lowest_price_4tickets_cents,
    lowest_all_in_price_cents,
    total_tickets,
    total_listings
from market.section_snapshots
union all
select
    date,
    event_key,
    tick,
    section_key,
    price_sum_cents,
    lowest_price_cents,
    highest_price_cents,
    lowest_price_1ticket_cents,
    lowest_price_2tickets_cents,
    lowest_price_4tickets_cents,
    lowest_all_in_price_cents,
    total_tickets,
    total_listings
from market.packed_snapshots;
comment on view market.all_snapshots is
    'Every snapshot, stored as a row or packed. Name the date beside the tick: without it, every packed day is unpacked';


-- Moving between the tiers -------------------------------------------------------------------------------------

-- The functions that move rows between the tiers set this for themselves, and set it back. (In a function's head only a
-- superuser may set it.) Moving changes nothing, so it marks nothing.
-- Only the owner's setting counts: nobody else can write without marks.
create function market.is_moving_tiers() returns boolean language sql stable as $$
    select coalesce(current_setting('tickettape.moving_tiers', true), '') = 'on' and exists (
        select from pg_class
        where oid = 'market.section_snapshots'::regclass and pg_has_role(current_user, relowner, 'usage'))
$$;

-- Writers of newer rows need no lock: a day is packed at the earliest two days after it ended, and no transaction lasts a
-- day.
create function market.locked_before() returns timestamptz language sql stable as $$
    select now() - interval '1 day'
$$;

-- Writers share the locks of the event-days that they write, and packing takes one alone. 64 locks, because each takes
-- room in the server's lock table, and an import writes thousands of event-days in one transaction.
create function market.tier_lock(of_event integer, of_date date) returns integer language sql immutable as $$
    select abs(hashint8(of_event * 100000::bigint + (of_date - date '2000-01-01'))::bigint % 64)::integer
$$;

-- Makes packed days rows again. Whoever changes past snapshots calls it first, in the same transaction. Until that ends,
-- these days are not packed. Returns how many rows came back.
create function market.unpack_days(event_keys integer[], ticks timestamptz[]) returns integer
language plpgsql as $$
declare
    moving constant text := coalesce(current_setting('tickettape.moving_tiers', true), '');
    packed bigint;
    unpacked integer;
begin
    perform set_config('tickettape.moving_tiers', 'on', true);
    perform pg_advisory_xact_lock_shared(7153911, lock)
    from (
        select distinct market.tier_lock(event_key, (tick at time zone 'UTC')::date) as lock
        from unnest(event_keys, ticks) as written (event_key, tick)
        where tick < market.locked_before()
    ) as locks;
    with written as (
        select distinct event_key, (tick at time zone 'UTC')::date as date
        from unnest(event_keys, ticks) as written (event_key, tick)
        where tick < market.locked_before()
    ),
    days as (
        delete from market.packed_days as gone using written
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
    perform set_config('tickettape.moving_tiers', moving, true);
    return unpacked;
end $$;

-- Packs an event's day in the caller's transaction, compares what it packed with the rows, and deletes them. Returns how
-- many rows, or why it did nothing: somebody is writing, or work on the day is not done.
create function market.pack_day(of_event integer, of_date date, out packed integer, out skipped text)
language plpgsql as $$
declare
    moving constant text := coalesce(current_setting('tickettape.moving_tiers', true), '');
    first timestamptz := of_date::timestamp at time zone 'UTC';
    next timestamptz := (of_date + 1)::timestamp at time zone 'UTC';
    stored text;
    found text;
    deleted integer;
begin
    packed := 0;
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
    elsif exists (select from market.packed_days where event_key = of_event and date = of_date) then
        skipped := 'it is packed';
    end if;
    if skipped is not null then
        return;
    end if;
    perform set_config('tickettape.moving_tiers', 'on', true);
    insert into market.packed_days (
        date, event_key, row_count, section_keys, ticks, price_sum_cents, lowest_price_cents, highest_price_cents,
        lowest_price_1ticket_cents, lowest_price_2tickets_cents, lowest_price_4tickets_cents,
        lowest_all_in_price_cents, total_tickets, total_listings)
    select
        of_date, of_event, count(*), array_agg(section_key), array_agg(tick), array_agg(price_sum_cents),
        array_agg(lowest_price_cents), array_agg(highest_price_cents), array_agg(lowest_price_1ticket_cents),
        array_agg(lowest_price_2tickets_cents), array_agg(lowest_price_4tickets_cents),
        array_agg(lowest_all_in_price_cents), array_agg(total_tickets), array_agg(total_listings)
    from (
        select * from market.section_snapshots
        where event_key = of_event and tick >= first and tick < next
        order by section_key, tick
    ) as snapshots
    having count(*) > 0;
    -- count, sums, and a hash of all values that does not depend on the order
    select
        format('%s rows, %s cents, %s tickets, %s listings, hash %s', count(*), sum(price_sum_cents),
               sum(total_tickets), sum(total_listings), bit_xor(hash_record_extended(row(
            event_key, tick, section_key, price_sum_cents, lowest_price_cents, highest_price_cents,
            lowest_price_1ticket_cents, lowest_price_2tickets_cents, lowest_price_4tickets_cents,
            lowest_all_in_price_cents, total_tickets, total_listings), 0)))
    from market.section_snapshots
    where event_key = of_event and tick >= first and tick < next
    into stored;
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
    perform set_config('tickettape.moving_tiers', moving, true);
end $$;


-- Marks ------------------------------------------------------------------------------------------------------

create or replace function market.mark_hours() returns trigger language plpgsql as $$
declare
    event_keys integer[];
    hours timestamptz[];
begin
    if market.is_moving_tiers() then
        return null;
    end if;
    with marked as (
        insert into market.dirty_buckets (rollup, event_key, bucket)
        select distinct 'event_hours', event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z')
        from changed
        returning event_key, bucket
    )
    select array_agg(event_key), array_agg(bucket) from marked
    where bucket < market.locked_before() and tg_op != 'DELETE' and tg_table_name like 'section_snapshots%'
    into event_keys, hours;
    -- a day is either packed or rows, whoever writes
    if event_keys is not null then
        perform market.unpack_days(event_keys, hours);
    end if;
    return null;
end $$;

create function market.mark_packed_hours() returns trigger language plpgsql as $$
begin
    if market.is_moving_tiers() then
        return null;
    end if;
    insert into market.dirty_buckets (rollup, event_key, bucket)
    select distinct 'event_hours', event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z')
    from changed cross join unnest(ticks) as of_day (tick);
    return null;
end $$;

create or replace function market.add_marks(target regclass) returns void language plpgsql as $$
declare
    marker text := case when target::text like '%listing_changes%' then 'market.mark_listing_hours'
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
select market.add_marks('market.packed_days');

-- The months that are attached get their partition, with the same triggers as their other tables.
do $$
declare
    known record;
begin
    for known in select month, state from market.months where state in ('open', 'closed', 'restored') loop
        execute format('create table market.%I partition of market.packed_days for values from (%L) to (%L)',
                       'packed_days_' || to_char(known.month, 'YYYY_MM'),
                       known.month, (known.month + interval '1 month')::date);
        perform market.add_marks(('market.packed_days_' || to_char(known.month, 'YYYY_MM'))::regclass);
        if known.state = 'closed' then
            execute format('create trigger refuse_write before insert or update or delete on market.%I
                            for each row execute function market.refuse_write()',
                           'packed_days_' || to_char(known.month, 'YYYY_MM'));
        end if;
    end loop;
end $$;

-- A section that is shown in another zone changes every hour that has it, packed hours too.
create or replace function market.mark_moved_sections() returns trigger language plpgsql as $$
begin
    insert into market.dirty_buckets (rollup, event_key, bucket)
    with moved as materialized (
        select event_key, section_key
        from now_moved inner join was_moved using (event_key, section_key)
        where now_moved.zone_key != was_moved.zone_key
    ),
    facts as (
        select facts.event_key, facts.tick
        from moved inner join market.section_snapshots as facts using (event_key, section_key)
        union all
        select days.event_key, of_day.tick
        from market.packed_days as days
        cross join lateral unnest(days.section_keys, days.ticks) as of_day (section_key, tick)
        where days.event_key in (select event_key from moved)
            and (days.event_key, of_day.section_key) in (select event_key, section_key from moved)
    ),
    hours as (
        select distinct event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z') as hour from facts
    )
    select distinct rollups.rollup, hours.event_key, hours.hour + went.later
    from hours
    cross join (values (interval '0'), (interval '1 hour')) as went (later)
    cross join unnest(array['event_hours', 'price_distribution', 'inventory_changes', 'listing_departures'])
        as rollups (rollup)
    where market.month_is_writable(hours.hour + went.later);
    return null;
end $$;
