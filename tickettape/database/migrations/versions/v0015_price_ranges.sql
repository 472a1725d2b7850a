-- Price ranges: what a source or a file tells of an event at a tick that knows no sections and no listings.

-- Columns of eight bytes first: no padding. As captures, one row an event and tick, and read by event.
create table market.price_ranges (
    tick timestamptz not null,
    event_key integer not null,
    lowest_price_cents integer check (lowest_price_cents > 0),
    average_price_cents integer check (average_price_cents > 0),
    highest_price_cents integer check (highest_price_cents > 0),
    listings integer check (listings >= 0),
    tickets integer check (tickets >= 0),
    market text not null check (market in ('resale', 'primary')),
    price_basis text not null check (price_basis in ('before_fees', 'all_in', 'unknown')),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    primary key (event_key, tick),
    check (num_nonnulls(lowest_price_cents, average_price_cents, highest_price_cents, listings, tickets) > 0),
    -- a comparison with what is not stated is null, and passes
    check (lowest_price_cents <= average_price_cents),
    check (average_price_cents <= highest_price_cents),
    check (lowest_price_cents <= highest_price_cents)
) partition by range (tick);
comment on table market.price_ranges is
    'Price ranges: what was asked for an event at a tick, without its sections and listings. One row per event and tick';


-- Marks: only the rollup of price ranges, and only by them --------------------------------------------------------

create function market.mark_range_hours() returns trigger language plpgsql as $$
begin
    insert into market.dirty_buckets (rollup, event_key, bucket)
    select distinct 'range_hours', event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z')
    from changed;
    return null;
end $$;

create or replace function market.add_marks(target regclass) returns void language plpgsql as $$
declare
    marker text := case when target::text like '%listing_changes%' then 'market.mark_listing_hours'
                        when target::text like '%price_ranges%' then 'market.mark_range_hours'
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
select market.add_marks('market.price_ranges');

-- The months there are get their partition, closed ones a closed one.
do $$
declare known record;
begin
    for known in select month, state from market.months where state in ('open', 'closed', 'restored') loop
        execute format('create table market.%I partition of market.price_ranges for values from (%L) to (%L)',
                       'price_ranges_' || to_char(known.month, 'YYYY_MM'),
                       known.month::timestamp at time zone 'UTC',
                       (known.month + interval '1 month')::timestamp at time zone 'UTC');
        perform market.add_marks(('market.price_ranges_' || to_char(known.month, 'YYYY_MM'))::regclass);
        if known.state = 'closed' then
            execute format('create trigger refuse_write before insert or update or delete on market.%I
                            for each row execute function market.refuse_write()',
                           'price_ranges_' || to_char(known.month, 'YYYY_MM'));
        end if;
    end loop;
end $$;


-- Corrections and quarantine ---------------------------------------------------------------------------------------

alter table market.voids
    add column kind text not null default 'listings' check (kind in ('listings', 'price_range')),
    alter column capture_status drop not null,
    add check ((kind = 'listings') = (capture_status is not null));
drop index market.voids_event_key_tick_idx;
create unique index on market.voids (event_key, tick, kind) where ended_at is null;
comment on table market.voids is
    'Who voided which observation, when and why, and what a capture was before. Ended: it counts again, and by what';
comment on column market.voids.kind is 'What was voided: the capture with its listings, or the price range';

create table market.voided_price_ranges (
    void_id bigint not null references market.voids (void_id) primary key,
    like market.price_ranges
);
comment on table market.voided_price_ranges is 'Voided price ranges, as they were: what an undo brings back';

alter table market.quarantine drop constraint quarantine_content_check;
alter table market.quarantine add constraint quarantine_content_check
    check (content in ('answer', 'rows', 'price_ranges'));
comment on column market.quarantine.content is
    'What the payload is: a marketplace''s answer, or (JSON) the rows or the price ranges that were to be stored';
