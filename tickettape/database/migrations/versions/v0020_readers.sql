-- The logins themselves, with their passwords, are roles of the server, which a backup of the database does not hold.
create table access.readers (
    login text primary key,
    sees_all boolean not null,
    -- a login whose tenant is removed stays here, and sees nothing
    tenant_id uuid references access.tenants (tenant_id) on delete set null,
    created_at timestamptz not null default now()
);
create index on access.readers (tenant_id);
comment on table access.readers is
    'Logins that may only read, made by `tickettape readers add`: one row per login, with what it sees';
comment on column access.readers.sees_all is 'Every event; else those that its tenant sees';
