-- Schema `market`: what Python writes. Sizes and their reasons: docs/decisions/.
create schema if not exists analytics;
comment on schema market is 'Catalogue, captures and facts: written by the pipeline, in int cents and with dimensions';
comment on schema analytics is 'What people query: made by dbt from schema market';

-- People's queries name the analytics tables without a schema, as the required queries (R-045) do.
do $$ begin
    execute format('alter database %I set search_path = "$user", public, analytics', current_database());
exception when insufficient_privilege then
    execute format('alter role current_user in database %I set search_path = "$user", public, analytics',
                   current_database());
end $$;


-- The catalogue ------------------------------------------------------------------------------------------

create table market.tracked_rules (
    rule_id integer generated always as identity primary key,
    source text not null,
    kind text not null check (kind in ('production', 'performer', 'venue', 'search')),
    value text not null,
    created_at timestamptz not null default now(),
    discovered_at timestamptz,
    unique (source, kind, value)
);

create table market.events (
    id uuid primary key default gen_random_uuid(),
    event_key integer generated always as identity unique,
    source text not null,
    external_id varchar(255) not null,
    name varchar(500) not null,
    venue varchar(255) not null,
    city varchar(100),
    state varchar(50),
    country varchar(100),
    venue_time_zone text,
    date timestamptz not null,
    category varchar(100),
    performer_id varchar(255),
    performer_name varchar(255),
    image_url text,
    active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    last_scraped timestamptz,
    retired_because text,
    unique (source, external_id)
);
create index on market.events (date);
create index on market.events (source) where active;

create table market.rule_events (
    rule_id integer not null references market.tracked_rules (rule_id) on delete cascade,
    event_key integer not null references market.events (event_key),
    primary key (rule_id, event_key)
);
create index on market.rule_events (event_key);

create table market.zones (
    zone_key integer generated always as identity,
    event_key integer not null references market.events (event_key),
    external_id text not null,
    name text not null,
    display_name text not null,
    display_order integer not null default 0,
    first_seen_at timestamptz not null default now(),
    primary key (event_key, zone_key),
    unique (event_key, external_id),
    unique (event_key, name)
);
comment on column market.zones.name is
    'Fixed at first sight and unique per event: the key of every rollup. display_name follows later renames';

create table market.sections (
    section_key integer generated always as identity,
    event_key integer not null,
    zone_key integer not null,
    external_id text not null,
    name text not null,
    primary key (event_key, section_key),
    unique (event_key, zone_key, external_id),
    foreign key (event_key, zone_key) references market.zones (event_key, zone_key)
);


-- The facts: monthly partitions by tick, no default partition ---------------------------------------------

create table market.months (
    month date primary key check (extract(day from month) = 1),
    state text not null default 'open' check (state in ('open', 'closed', 'archived', 'restored')),
    updated_at timestamptz not null default now()
);

-- Columns of eight bytes first: no padding.
create table market.captures (
    tick timestamptz not null,
    fetched_at timestamptz,
    event_key integer not null,
    latency_ms integer,
    payload_bytes integer,
    stated_listings integer,
    stated_tickets integer,
    counted_listings integer,
    counted_tickets integer,
    http_status smallint,
    job_id uuid,
    status text not null check (status in (
        'received', 'ok', 'empty', 'partial', 'missing', 'missed', 'blocked', 'failed', 'rejected')),
    note text,
    primary key (event_key, tick)
) partition by range (tick);
create index on market.captures (tick);
create index on market.captures (tick) where status = 'received';

-- The key leads with tick, so that a tick is appended to its index: led by event_key, every leaf was split in half
-- and the index took 70 bytes a row instead of 41. Readers come with both, from captures.
create table market.section_snapshots (
    tick timestamptz not null,
    price_sum_cents bigint not null,
    event_key integer not null,
    section_key integer not null,
    lowest_price_cents integer not null,
    highest_price_cents integer not null,
    lowest_price_1ticket_cents integer,
    lowest_price_2tickets_cents integer,
    lowest_price_4tickets_cents integer,
    lowest_all_in_price_cents integer,
    total_tickets integer not null,
    total_listings integer not null,
    primary key (tick, event_key, section_key)
) partition by range (tick);

create table market.capture_payloads (
    tick timestamptz not null,
    event_key integer not null,
    answer_zstd bytea not null,
    primary key (event_key, tick)
) partition by range (tick);
alter table market.capture_payloads alter column answer_zstd set storage external;  -- compressed already

create table market.quarantine (
    quarantine_id bigint generated always as identity primary key,
    source text not null,
    external_id text,
    tick timestamptz,
    reason text not null,
    payload_zstd bytea,
    run_id text,
    created_at timestamptz not null default now(),
    replayed_at timestamptz
);
create index on market.quarantine (created_at);


-- Marks: which buckets a rollup must recompute --------------------------------------------------------------
-- Append-only, without a unique key: with one, a writer's ON CONFLICT DO NOTHING can find a mark that a
-- refresh is just taking, and its change is lost.

create table market.dirty_buckets (
    bucket timestamptz not null,
    marked_at timestamptz not null default now(),
    event_key integer not null,
    rollup text not null
);
create index on market.dirty_buckets (rollup, bucket desc, event_key);

create table market.claimed_buckets (
    rollup text not null,
    event_key integer not null,
    bucket timestamptz not null,
    primary key (rollup, event_key, bucket)
);

create table market.refused_buckets (
    rollup text not null,
    event_key integer not null,
    bucket timestamptz not null,
    refused_at timestamptz not null default now(),
    reason text not null
);

-- Every trigger calls its transition table `changed`. date_bin is a quarter quicker than date_trunc, and
-- never the session's time zone.
create function market.mark_hours() returns trigger language plpgsql as $$
begin
    insert into market.dirty_buckets (rollup, event_key, bucket)
    select distinct 'event_hours', event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z')
    from changed;
    return null;
end $$;

create function market.refuse_truncate() returns trigger language plpgsql as $$
begin
    raise exception 'TRUNCATE of % would bypass the marks and leave the rollups wrong: DELETE instead',
        tg_relid::regclass;
end $$;

-- A direct write to a partition does not fire its parent's triggers, so partitions have them too.
create function market.add_marks(target regclass) returns void language plpgsql as $$
begin
    execute format($f$
        create trigger mark_inserted after insert on %1$s
            referencing new table as changed for each statement execute function market.mark_hours();
        create trigger mark_deleted after delete on %1$s
            referencing old table as changed for each statement execute function market.mark_hours();
        create trigger mark_moved_from after update on %1$s
            referencing old table as changed for each statement execute function market.mark_hours();
        create trigger mark_moved_to after update on %1$s
            referencing new table as changed for each statement execute function market.mark_hours();
        create trigger refuse_truncate before truncate on %1$s
            for each statement execute function market.refuse_truncate();
    $f$, target);
end $$;
select market.add_marks('market.captures');
select market.add_marks('market.section_snapshots');

create function market.month_is_writable(instant timestamptz) returns boolean language sql stable as $$
    select exists (
        select from market.months
        where month = date_trunc('month', instant, 'UTC') at time zone 'UTC' and state in ('open', 'restored'))
$$;


-- The work ------------------------------------------------------------------------------------------------

create table market.scraper_jobs (
    id bigint generated always as identity primary key,
    job_id uuid unique not null default gen_random_uuid(),
    run_id text,
    source text not null,
    tick timestamptz,
    started_at timestamptz not null default now(),
    completed_at timestamptz,
    status varchar(50) not null check (status in ('running', 'success', 'failed')),
    events_scraped integer not null default 0,
    errors_count integer not null default 0,
    error_details jsonb,
    duration_ms integer,
    created_at timestamptz not null default now()
);
create index on market.scraper_jobs (status);
create index on market.scraper_jobs (started_at);

create table market.scraper_logs (
    id bigint generated always as identity primary key,
    event_id uuid references market.events (id) on delete set null,
    job_id uuid references market.scraper_jobs (job_id) on delete cascade,
    "timestamp" timestamptz not null default now(),
    level varchar(20) not null check (level in ('INFO', 'WARNING', 'ERROR')),
    message text not null,
    stack_trace text,
    metadata jsonb
);
create index on market.scraper_logs ("timestamp");
create index on market.scraper_logs (level);
create index on market.scraper_logs (event_id);


-- What the rollups' own SQL asks --------------------------------------------------------------------------

create view market.claims as
select
    claimed.rollup,
    claimed.event_key,
    events.id as event_id,
    claimed.bucket,
    case when isfinite(claimed.bucket) then (claimed.bucket at time zone 'UTC')::date end as date
from market.claimed_buckets as claimed
inner join market.events on events.event_key = claimed.event_key;

-- Settings that reach SQL through PGOPTIONS, so that dbt need not parse anew for each value (--vars would).
create function market.claim_limit() returns integer language sql stable as $$
    select coalesce(nullif(current_setting('tickettape.claim_limit', true), ''), '5000')::integer
$$;

create function market.tests_since() returns timestamptz language sql stable as $$
    select coalesce(nullif(current_setting('tickettape.tests_since', true), '')::timestamptz,
                    now() - interval '2 days')
$$;
