-- What all workers of a marketplace share. Small tables of the moment: nothing here is history.

create table market.budgets (
    source text primary key,
    slowdown double precision not null default 1 check (slowdown >= 1),
    quiet_until timestamptz,
    updated_at timestamptz not null default now()
);
comment on table market.budgets is 'How a marketplace may be asked now; whoever leases requests holds its row';

create table market.request_blocks (
    source text not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    requests integer not null check (requests > 0),
    primary key (source, first_at)
);
comment on table market.request_blocks is 'Requests that were leased together; gone when no rate counts them any more';

create table market.breakers (
    source text primary key,
    state text not null default 'closed' check (state in ('closed', 'open', 'probing')),
    blocked_in_a_row integer not null default 0,
    recent text not null default '',
    openings integer not null default 0,
    opened_at timestamptz,
    probe_at timestamptz,
    reason text,
    updated_at timestamptz not null default now(),
    check ((state = 'closed') = (probe_at is null))
);
comment on table market.breakers is 'Whether a marketplace lets us ask it, as all workers see it';

create table market.leases (
    event_key integer not null references market.events (event_key),
    tick timestamptz not null,
    place integer not null,
    plan text not null,
    done boolean not null default false,
    leased_by uuid,
    leased_until timestamptz,
    primary key (event_key, tick)
);
create index on market.leases (tick, place);
comment on table market.leases is 'What is due at a tick, who has it in hand until when, and whether it is done';
