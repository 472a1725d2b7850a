-- The tenant that asks
--
-- The service sets it in request.jwt.claims. PostgREST does the same, for a token with the claim `tenant`. A caller of
-- PostgREST can also send its API key, in the header x-api-key. Others make the tokens, so the claim `tenant` can be
-- anything: a value that is not a UUID is not a tenant of ours. A login of access.readers can set both to what it likes,
-- so it is bound to its own row.

create or replace function access.tenant() returns uuid
language sql stable security definer set search_path = '' as $$
    select case
        when exists (select from access.readers where readers.login = session_user) then (
            select readers.tenant_id from access.readers where readers.login = session_user)
        else coalesce(
            (select case when claim ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then claim::uuid end
             from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'tenant') as token (claim)),
            (select api_keys.tenant_id from access.api_keys
             where api_keys.revoked_at is null and api_keys.key_sha256 = sha256(convert_to(
                 nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-api-key', 'UTF8'))))
    end
$$;

create or replace function access.sees_all() returns boolean
language sql stable security definer set search_path = '' as $$
    select exists (select from access.readers where readers.login = session_user and readers.sees_all)
        or exists (
            select from access.tenants where tenants.tenant_id = (select access.tenant()) and tenants.sees_all)
$$;

-- Whether who asks is a tenant at all: a claim may name one that does not exist.
create or replace function access.is_tenant() returns boolean
language sql stable security definer set search_path = '' as $$
    select exists (select from access.tenants where tenants.tenant_id = (select access.tenant()))
$$;

create or replace function access.event_ids() returns setof uuid
language sql stable security definer set search_path = '' as $$
    select tenant_events.event_id from access.tenant_events where tenant_events.tenant_id = (select access.tenant())
$$;

-- What the box office sold: for the promoter's own tenant, or for all if the promoter says so. To watch an event is not
-- enough.
create or replace function access.sold_event_ids() returns setof bigint
language sql stable security definer set search_path = '' as $$
    select events.id
    from box_office.stored_events as events left join box_office.promoters on promoters.id = events.promoter_id
    where events.sales_are_public or promoters.tenant_id = (select access.tenant())
$$;

create or replace function access.event_keys() returns setof integer
language sql stable security definer set search_path = '' as $$
    select events.event_key
    from access.tenant_events inner join market.events on events.id = tenant_events.event_id
    where tenant_events.tenant_id = (select access.tenant())
$$;

-- The events by their names at their sources, as links have them.
create or replace function access.event_names() returns table (source text, external_id varchar)
language sql stable security definer set search_path = '' as $$
    select events.source, events.external_id
    from access.tenant_events inner join market.events on events.id = tenant_events.event_id
    where tenant_events.tenant_id = (select access.tenant())
$$;

-- Every policy begins with this. PostgREST answers `Prefer: count=planned` from EXPLAIN, whose estimate counts hidden rows
-- too. EXPLAIN plans a query and reads no row, so this is declared immutable: then the planner calls it, once, and puts
-- the result in its place. People who ask in SQL may explain what they ask.
create or replace function access.is_read() returns boolean
language plpgsql immutable set search_path = '' as $$
begin
    if nullif(current_setting('request.method', true), '') is not null and current_query() ~* '^\s*explain' then
        raise sqlstate 'PT400' using message = 'Rows are not estimated here.', hint = 'Ask for count=exact.';
    end if;
    return true;
end $$;

-- The first statement of each of the service's transactions: sets its tenant. The key is looked up each time, so that a
-- revoked key is refused at once.
create or replace function access.enter(key_sha256 bytea) returns void
language plpgsql as $$
declare
    tenant uuid;
begin
    select api_keys.tenant_id into tenant from access.api_keys
    where api_keys.key_sha256 = enter.key_sha256 and api_keys.revoked_at is null;
    if tenant is null then
        raise sqlstate 'PT401' using message = 'The API key is unknown or was revoked.',
            hint = 'Send a key that `tickettape keys list` shows, as the header X-API-Key.';
    end if;
    perform set_config('request.jwt.claims', json_build_object('tenant', tenant)::text, true);
end $$;

-- What an operator's key is called in the log of decisions; null if the key is not an operator's.
create or replace function access.operator_of(key_sha256 bytea) returns text
language sql stable as $$
    select 'key ' || api_keys.prefix || coalesce(' (' || api_keys.label || ')', '')
    from access.api_keys
    where api_keys.key_sha256 = operator_of.key_sha256 and api_keys.revoked_at is null and api_keys.operator
$$;

-- A process takes a sixteenth of the minute's remaining requests, at least one, so that few requests need a write.
-- `most` is null if there is no such key. `granted` is 0 if no request is left in the minute.
create or replace function access.lease(
    key_sha256 bytea, default_limit integer,
    out granted integer, out leased integer, out most integer, out seconds_left double precision
)
language plpgsql as $$
declare
    window_start constant timestamptz := date_trunc('minute', clock_timestamp());
    asking record;
begin
    seconds_left := extract(epoch from window_start + interval '1 minute' - clock_timestamp());
    select api_keys.key_id, coalesce(api_keys.requests_per_minute, default_limit) as most into asking
    from access.api_keys where api_keys.key_sha256 = lease.key_sha256 and api_keys.revoked_at is null;
    if not found then
        return;
    end if;
    most := asking.most;
    insert into access.request_windows as windows (key_id, starts_at, leased) values (asking.key_id, window_start, 0)
    on conflict do nothing;
    if found then
        delete from access.request_windows as windows
        where windows.key_id = asking.key_id and windows.starts_at < window_start;
        update access.api_keys set last_used_at = clock_timestamp() where api_keys.key_id = asking.key_id;
    end if;
    select windows.leased into leased from access.request_windows as windows
    where windows.key_id = asking.key_id and windows.starts_at = window_start for update;
    granted := greatest(0, least(most - leased, greatest(1, (most - leased) / 16)));
    leased := leased + granted;
    update access.request_windows as windows set leased = lease.leased
    where windows.key_id = asking.key_id and windows.starts_at = window_start;
end $$;
