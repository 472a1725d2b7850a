-- The listing history: one row per event and tick whose answer was read. How it is written: warehouse/listings.py.

-- What a listing sells together. Few: a quantity, and which quantities one may buy of it.
create table market.lots (
    lot_key integer generated always as identity primary key,
    quantity integer not null,
    buyable integer[] not null,
    unique (quantity, buyable)
);
comment on table market.lots is 'The quantities of listings with what may be bought of each';

-- Rows of 16 bytes a changed price: a row per state in a heap takes six times that. Empty arrays are null.
create table market.listing_changes (
    tick timestamptz not null,
    event_key integer not null,
    kept integer,
    born integer not null,
    partial boolean not null,
    -- offers in full, of one length: `kept` that stay (only where the row is an image: `kept` is not null),
    -- then `born` that came, then those that went
    numbers integer[],
    listing_ids text[],
    section_keys integer[],
    seat_rows text[],
    lot_keys integer[],
    prices_cents integer[],
    all_in_prices_cents integer[],
    deal_scores smallint[],
    since bigint[],
    -- prices that changed, of one length
    changed integer[],
    price_steps integer[],
    all_in_steps integer[],
    score_steps smallint[],
    -- offers that a partial answer does not show: no proof that they are gone
    unseen integer[],
    primary key (event_key, tick)
) partition by range (tick);
comment on table market.listing_changes is
    'The listing history: what each read answer changed, and everything for sale once a UTC day';

-- What the next tick is compared with. Unlogged: it is made again from the history where a crash has emptied it.
create unlogged table market.listing_heads (
    event_key integer primary key,
    tick timestamptz not null,
    offers_zstd bytea not null
);
alter table market.listing_heads alter column offers_zstd set storage external;  -- compressed already
comment on table market.listing_heads is 'Everything for sale at each event''s newest read answer: a cache of the history';

create table market.voided_listings (
    void_id bigint not null references market.voids (void_id) primary key,
    like market.listing_changes
);
comment on table market.voided_listings is 'The listings of a voided capture, all of them: what an undo brings back';


-- Marks ------------------------------------------------------------------------------------------------------

create function market.mark_listing_hours() returns trigger language plpgsql as $$
begin
    insert into market.dirty_buckets (rollup, event_key, bucket)
    select rollup, event_key, hour
    from (
        select distinct event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z') as hour from changed
    ) as hours
    cross join unnest(array['price_distribution', 'inventory_changes', 'listing_departures']) as rollups (rollup);
    return null;
end $$;

create or replace function market.add_marks(target regclass) returns void language plpgsql as $$
declare
    marker text := case when target::text like '%listing_changes%' then 'market.mark_listing_hours'
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
select market.add_marks('market.listing_changes');

-- The months there are get their partition, closed ones a closed one.
do $$
declare known record;
begin
    for known in select month, state from market.months where state in ('open', 'closed', 'restored') loop
        execute format('create table market.%I partition of market.listing_changes for values from (%L) to (%L)',
                       'listing_changes_' || to_char(known.month, 'YYYY_MM'),
                       known.month::timestamp at time zone 'UTC',
                       (known.month + interval '1 month')::timestamp at time zone 'UTC');
        perform market.add_marks(('market.listing_changes_' || to_char(known.month, 'YYYY_MM'))::regclass);
        if known.state = 'closed' then
            execute format('create trigger refuse_write before insert or update or delete on market.%I
                            for each row execute function market.refuse_write()',
                           'listing_changes_' || to_char(known.month, 'YYYY_MM'));
        end if;
    end loop;
end $$;


-- Read by people and models ------------------------------------------------------------------------------------

-- Offers that came, went or (in an image) stayed, one row each.
create view market.listing_offers as
select
    changes.event_key,
    changes.tick,
    changes.partial,
    case
        when offer.place <= coalesce(changes.kept, 0) then 'stayed'
        when offer.place <= coalesce(changes.kept, 0) + changes.born then 'came'
        else 'went'
    end as what,
    offer.number,
    offer.listing_id,
    offer.section_key,
    offer.seat_row,
    offer.lot_key,
    offer.price_cents,
    nullif(offer.all_in_price_cents, 0) as all_in_price_cents,
    nullif(offer.deal_score, -1) / 10.0 as deal_score,
    timestamptz 'epoch' + offer.since * interval '1 microsecond' as since
from market.listing_changes as changes
cross join lateral unnest(
    changes.numbers, changes.listing_ids, changes.section_keys, changes.seat_rows, changes.lot_keys,
    changes.prices_cents, changes.all_in_prices_cents, changes.deal_scores, changes.since
) with ordinality as offer (
    number, listing_id, section_key, seat_row, lot_key, price_cents, all_in_price_cents, deal_score, since, place
);
comment on view market.listing_offers is 'The listing history: offers that came, went or stayed, one row each';

-- What happened to a listing between two looks, but for its price: a listing that both went and came at a tick changed.
create view market.listing_moves as
select
    event_key,
    tick,
    listing_id,
    case
        when quantity_before is null then 'appeared'
        when quantity is null then 'went'
        when (section_key, seat_row) is distinct from (section_key_before, seat_row_before) then 'moved'
        when quantity < quantity_before then 'shrank'
        when quantity > quantity_before then 'grew'
        else 'changed its terms'
    end as what,
    coalesce(section_key, section_key_before) as section_key,
    coalesce(seat_row, seat_row_before) as seat_row,
    quantity,
    quantity_before,
    coalesce(price_cents, price_cents_before) as price_cents,
    -- whether what it lost is what one may buy of it
    coalesce(quantity_before - coalesce(quantity, 0) = any (buyable_before), false) as sellable,
    since
from (
    select
        offers.event_key,
        offers.tick,
        offers.listing_id,
        max(offers.section_key) filter (where offers.what = 'came') as section_key,
        max(offers.section_key) filter (where offers.what = 'went') as section_key_before,
        max(offers.seat_row) filter (where offers.what = 'came') as seat_row,
        max(offers.seat_row) filter (where offers.what = 'went') as seat_row_before,
        max(lots.quantity) filter (where offers.what = 'came') as quantity,
        max(lots.quantity) filter (where offers.what = 'went') as quantity_before,
        max(lots.buyable) filter (where offers.what = 'went') as buyable_before,
        max(offers.price_cents) filter (where offers.what = 'came') as price_cents,
        max(offers.price_cents) filter (where offers.what = 'went') as price_cents_before,
        min(offers.since) as since
    from market.listing_offers as offers
    inner join market.lots on lots.lot_key = offers.lot_key
    where offers.what != 'stayed'
    group by offers.event_key, offers.tick, offers.listing_id
) as pairs;
comment on view market.listing_moves is
    'The listing history: what appeared, went, shrank, grew, moved or changed its terms, one row a listing and tick';

-- How many ok captures in a row a listing must be absent from before it counts as sold (SOLD_AFTER_CAPTURES).
create function market.sold_after() returns integer language sql stable as $$
    select coalesce(nullif(current_setting('tickettape.sold_after', true), ''), '3')::integer
$$;

create function market.listings_of(of_event integer, at_tick timestamptz) returns table (
    listing_id text, section_key integer, seat_row text, quantity integer, buyable integer[], price_cents integer,
    all_in_price_cents integer, deal_score numeric, since timestamptz
) language sql stable rows 500 as $$
    with history as materialized (
        select changes.*
        from market.listing_changes as changes
        where changes.event_key = of_event and changes.tick <= at_tick
            -- the day's first read answer is an image: nothing before it is needed
            and changes.tick >= date_bin('1 day', at_tick, timestamptz '2000-01-01 00:00Z')
    ),
    -- One pass without a join: the planner cannot know how much comes out of the arrays.
    entries as (
        select history.tick, true as named, o.place <= coalesce(history.kept, 0) + history.born as stands,
            o.number, o.listing_id, o.section_key, o.seat_row, o.lot_key, o.since, o.price, o.all_in, o.score
        from history
        cross join lateral unnest(
            history.numbers, history.listing_ids, history.section_keys, history.seat_rows, history.lot_keys,
            history.prices_cents, history.all_in_prices_cents, history.deal_scores, history.since
        ) with ordinality as o (number, listing_id, section_key, seat_row, lot_key, price, all_in, score, since, place)
        union all
        select history.tick, false, false, step.number, null, null, null, null, null, step.price, step.all_in, step.score
        from history
        cross join lateral unnest(history.changed, history.price_steps, history.all_in_steps, history.score_steps)
            as step (number, price, all_in, score)
    ),
    offers as (
        -- an offer as it was last named, with the steps of its prices since then
        select number, max(listing_id) as listing_id, max(section_key) as section_key, max(seat_row) as seat_row,
            max(lot_key) as lot_key, max(since) as since, sum(price)::integer as price, sum(all_in)::integer as all_in,
            sum(score)::integer as score
        from (
            select *, max(tick) filter (where named) over (partition by number) as named_at from entries
        ) as placed
        where tick > named_at or named and tick = named_at
        group by number
        having bool_or(stands)
    )
    select offers.listing_id, offers.section_key, offers.seat_row, lots.quantity, lots.buyable, offers.price,
        nullif(offers.all_in, 0), nullif(offers.score, -1) / 10.0,
        timestamptz 'epoch' + offers.since * interval '1 microsecond'
    from offers
    inner join market.lots on lots.lot_key = offers.lot_key
    where offers.number != all (coalesce((select history.unseen from history where history.tick = at_tick), '{}'))
$$;

-- All states of one listing: from one tick to the one before the next state; `until` null: it stands.
create function market.listing_history(event_id uuid, listing_id text) returns table (
    from_tick timestamptz, until_tick timestamptz, section text, seat_row text, quantity integer, buyable integer[],
    price numeric(10, 2), all_in_price numeric(10, 2), deal_score numeric
) language sql stable as $$
    with changes as materialized (
        select c.* from market.listing_changes as c
        inner join market.events as e on e.event_key = c.event_key
        where e.id = listing_history.event_id
    ),
    offers as (
        select c.event_key, c.tick, o.place > coalesce(c.kept, 0) + c.born as went, o.*
        from changes as c
        cross join lateral unnest(c.numbers, c.listing_ids, c.section_keys, c.seat_rows, c.lot_keys, c.prices_cents,
                                  c.all_in_prices_cents, c.deal_scores)
            with ordinality as o (number, listing, section_key, seat_row, lot_key, price, all_in, score, place)
        where listing_history.listing_id = any (c.listing_ids) and o.listing = listing_history.listing_id
    ),
    steps as (
        select c.tick, s.* from changes as c
        cross join lateral unnest(c.changed, c.price_steps, c.all_in_steps, c.score_steps)
            as s (number, price, all_in, score)
        where c.changed && (select array_agg(distinct number) from offers)
            and s.number in (select number from offers)
    ),
    -- the offer that a step belongs to is the newest of its number
    stepped as (
        select steps.tick, o.tick as offered_at, o.event_key, o.number, o.section_key, o.seat_row, o.lot_key,
            o.price + sum(steps.price) over of_offer as price,
            o.all_in + sum(steps.all_in) over of_offer as all_in,
            o.score + sum(steps.score) over of_offer as score
        from steps
        cross join lateral (
            select * from offers
            where offers.number = steps.number and offers.tick < steps.tick and not offers.went
            order by offers.tick desc limit 1
        ) as o
        window of_offer as (partition by o.number, o.tick order by steps.tick)
    ),
    states as (
        select tick, went, event_key, section_key, seat_row, lot_key, price, all_in, score from offers
        -- a listing that went and came at one tick changed then
        where not went or not exists (
            select from offers as again where again.tick = offers.tick and not again.went)
        union all
        select tick, false, event_key, section_key, seat_row, lot_key, price, all_in, score from stepped
        where not exists (select from offers where offers.tick = stepped.tick and not offers.went)
    ),
    new as (
        select *, lag((went, section_key, seat_row, lot_key, price, all_in, score)) over (order by tick) as before
        from states
    ),
    spans as (
        select *, lead(tick) over (order by tick) as until_tick from new
        where before is distinct from (went, section_key, seat_row, lot_key, price, all_in, score)
    )
    select spans.tick, spans.until_tick, s.name, spans.seat_row, lots.quantity, lots.buyable,
        round(spans.price / 100.0, 2), round(nullif(spans.all_in, 0) / 100.0, 2), nullif(spans.score, -1) / 10.0
    from spans
    inner join market.lots on lots.lot_key = spans.lot_key
    inner join market.sections as s on s.event_key = spans.event_key and s.section_key = spans.section_key
    where not spans.went
    order by spans.tick
$$;
comment on function market.listing_history is 'Every state of one listing of an event, with the ticks it held from and until';

create function market.listings_at(event_id uuid, tick timestamptz) returns table (
    listing_id text, zone text, section text, section_id text, seat_row text, quantity integer, price numeric(10, 2),
    all_in_price numeric(10, 2), buyable integer[], deal_score numeric, first_seen_at timestamptz
) language plpgsql stable rows 500 as $$
#variable_conflict use_column
declare of_event integer := (select e.event_key from market.events as e where e.id = listings_at.event_id);
begin
    if of_event is null then
        raise exception 'There is no event % here', listings_at.event_id
            using hint = 'analytics.events has the id of every event';
    end if;
    if not exists (select from market.listing_changes as l
                   where l.event_key = of_event and l.tick = listings_at.tick) then
        raise exception 'The listings of event % at % are not known: %', listings_at.event_id, listings_at.tick,
            coalesce((select 'its capture is ' || c.status || ', and nothing was read of it' from market.captures as c
                      where c.event_key = of_event and c.tick = listings_at.tick), 'it was not captured then')
            using hint = 'market.listing_changes has a row for every tick that can be asked for; a month that is in '
                         'cold storage must be restored first';
    end if;
    return query
    select l.listing_id, z.name, s.name, s.external_id, l.seat_row, l.quantity, round(l.price_cents / 100.0, 2),
        round(l.all_in_price_cents / 100.0, 2), l.buyable, l.deal_score, l.since
    from market.listings_of(of_event, listings_at.tick) as l
    inner join market.sections as s on s.event_key = of_event and s.section_key = l.section_key
    inner join market.zones as z on z.event_key = of_event and z.zone_key = s.zone_key;
end $$;
comment on function market.listings_at is
    'Every listing of an event at a captured tick, exactly as it was read; an error where nothing was read then';
