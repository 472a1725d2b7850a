-- Who may ask, and what they may see. Functions, policies and grants stand on analytics: warehouse/api.sql.
create schema access;
comment on schema access is 'Tenants, their API keys and watch-lists: read by nobody but the service and the owner';

create table access.tenants (
    tenant_id uuid primary key default gen_random_uuid(),
    name text not null unique check (btrim(name) != ''),
    sees_all boolean not null default false,
    created_at timestamptz not null default now()
);
comment on table access.tenants is 'One row per tenant: a customer, a team, a program';
comment on column access.tenants.sees_all is 'Every event; else those of its watch-list, tenant_events';

create table access.tenant_events (
    tenant_id uuid not null references access.tenants (tenant_id) on delete cascade,
    event_id uuid not null references market.events (id) on delete cascade,
    added_at timestamptz not null default now(),
    primary key (tenant_id, event_id)
);
create index on access.tenant_events (event_id);
comment on table access.tenant_events is 'Watch-lists: one row per tenant and event it may see';

create table access.api_keys (
    key_id integer generated always as identity primary key,
    tenant_id uuid not null references access.tenants (tenant_id) on delete cascade,
    prefix text not null unique,
    key_sha256 bytea not null unique check (length(key_sha256) = 32),
    label text,
    requests_per_minute integer check (requests_per_minute > 0),
    created_at timestamptz not null default now(),
    revoked_at timestamptz,
    last_used_at timestamptz
);
create index on access.api_keys (tenant_id);
comment on table access.api_keys is 'One row per key. The key itself is shown once, when it is made, and is not here';
comment on column access.api_keys.requests_per_minute is 'Null: KEY_REQUESTS_PER_MINUTE holds';

-- Counters of a minute, shared by the server processes. Unlogged: a crash forgives a minute, and no request waits
-- for a disk.
create unlogged table access.request_windows (
    key_id integer not null references access.api_keys (key_id) on delete cascade,
    starts_at timestamptz not null,
    leased integer not null,
    primary key (key_id, starts_at)
) with (fillfactor = 50);
comment on table access.request_windows is 'One row per key and minute: how many requests the server processes took';


-- When an event's hours, days or latest prices last changed: what a cached answer is validated by.
create table market.event_versions (
    event_id uuid not null references market.events (id),
    rollup text not null,
    changed_at timestamptz not null,
    primary key (event_id, rollup)
) with (fillfactor = 50);

-- What the service did, a minute a row, added up over its processes.
create table market.service_minutes (
    minute timestamptz not null,
    route text not null,
    requests bigint not null,
    refused bigint not null,
    errors bigint not null,
    slow_statements bigint not null,
    seconds double precision not null,
    latency_counts bigint[] not null,
    primary key (minute, route)
);
