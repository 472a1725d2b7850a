-- Corrections: a capture that a person found wrong, and the way back.

-- `void`: it was ok, empty, partial or whatever voids.capture_status says, and counts as nothing now.
alter table market.captures drop constraint captures_status_check;
alter table market.captures add constraint captures_status_check check (status in (
    'received', 'ok', 'empty', 'partial', 'missing', 'missed', 'blocked', 'failed', 'rejected', 'void'));

create table market.voids (
    void_id bigint generated always as identity primary key,
    event_key integer not null references market.events (event_key),
    tick timestamptz not null,
    reason text not null check (btrim(reason) != ''),
    voided_by text not null,
    voided_at timestamptz not null default now(),
    capture_status text not null,
    capture_note text,
    ended_at timestamptz,
    ended_by text check (ended_by in ('undo', 'replay', 'import')),
    check ((ended_at is null) = (ended_by is null))
);
create unique index on market.voids (event_key, tick) where ended_at is null;
comment on table market.voids is
    'Who voided which capture, when and why, and what it was before. Ended: it counts again, and by what';

create table market.voided_snapshots (
    void_id bigint not null references market.voids (void_id),
    like market.section_snapshots,
    primary key (void_id, section_key)
);
comment on table market.voided_snapshots is 'The snapshots of a voided capture, as they were: what an undo brings back';


-- Imports: one row per file that a person brought; captures.job_id names the import that wrote a capture.
create table market.imports (
    import_id uuid primary key default gen_random_uuid(),
    source text not null,
    file text not null,
    whole_inventory boolean not null,
    started_at timestamptz not null default now(),
    completed_at timestamptz,
    rows_read bigint not null,
    rows_refused bigint not null,
    captures_added integer not null default 0,
    captures_replaced integer not null default 0,
    captures_unchanged integer not null default 0,
    captures_refused integer not null default 0
);
comment on table market.imports is 'Files of history that were imported. Not completed: it was interrupted; import it again';


-- The rollups say why an hour is a gap. Where dbt has not made them yet, it makes them with the column.
do $$
declare rollup text;
begin
    foreach rollup in array '{event_hours,event_days}'::text[] loop
        if to_regclass('analytics.' || rollup) is not null then
            -- the default fills the rows there are without rewriting them
            execute format('alter table analytics.%I add column voided_captures integer not null default 0', rollup);
            execute format('alter table analytics.%I alter column voided_captures drop default', rollup);
        end if;
    end loop;
end $$;
