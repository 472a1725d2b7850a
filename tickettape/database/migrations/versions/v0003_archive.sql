-- The life of a month: open → closed → archived, and back as restored.

comment on table market.months is
    'Every month of facts and what may be done with it: asked by writers, refreshes and the archive';
alter table market.months add column pinned_until date, add column restored_at timestamptz;
comment on column market.months.pinned_until is
    'A restored month stays in the database through this day (infinity: until it is released); null: not pinned';

comment on column market.months.restored_at is
    'When it last came back from cold storage: its hours may be gone from the rollups, its days are not';

create table market.archives (
    month date primary key references market.months (month),
    step text not null check (step in ('closed', 'refreshed', 'exported', 'verified', 'detached', 'dropped')),
    reached_at timestamptz not null default now(),
    attempts integer not null default 1,
    manifest_sha256 text
);
comment on table market.archives is 'How far the archive of each month has come, so that a killed one goes on from there';

-- What came for a month that takes no rows: replayable once the month is back.
alter table market.quarantine
    add column held_for date,
    add column content text not null default 'answer' check (content in ('answer', 'rows'));
comment on column market.quarantine.held_for is 'The month that must be restored before this can be replayed';
comment on column market.quarantine.content is
    'What the payload is: a marketplace''s answer, or (JSON) the rows that were to be stored';
create index on market.quarantine (held_for, tick) where held_for is not null and replayed_at is null;

-- A month's rollups are recomputed while its facts are here: closed to writers, but not yet archived, too.
create function market.month_is_attached(instant timestamptz) returns boolean language sql stable as $$
    select exists (
        select from market.months
        where month = date_trunc('month', instant, 'UTC') at time zone 'UTC' and state in ('open', 'closed', 'restored'))
$$;

create function market.month_came_back(instant timestamptz) returns boolean language sql stable as $$
    select exists (
        select from market.months
        where month = date_trunc('month', instant, 'UTC') at time zone 'UTC' and restored_at is not null)
$$;

-- On each partition of a closed month: what was verified in cold storage is what will be dropped.
create function market.refuse_write() returns trigger language plpgsql as $$
begin
    raise exception '% belongs to a month that is closed: its rows are in the archive''s hands', tg_relid::regclass
        using hint = 'Writers ask market.months first and put what comes late into quarantine; restore the month to change it';
end $$;
