-- Accounts and sessions. A session is known by the hash of its token: who reads the table cannot log in.
create table box_office.sessions (
    id bigint generated always as identity primary key,
    user_id bigint not null references box_office.users on delete cascade,
    token_sha256 bytea not null check (length(token_sha256) = 32),
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    revoked_at timestamptz
);
create unique index sessions_token on box_office.sessions (token_sha256);
create index on box_office.sessions (user_id);
create index on box_office.sessions (expires_at);
comment on table box_office.sessions is 'Who is logged in, and until when; a revoked session ends at once';
alter table box_office.sessions enable row level security;
create policy own_rows on box_office.sessions for select using (user_id = (select box_office.buyer()));

create function box_office.audit_session() returns trigger language plpgsql security definer
set search_path = box_office, pg_temp as $$
begin
    insert into audit_log (actor, relation, row_id, action, changed)
    select 'user ' || user_id, 'sessions', id, case tg_op when 'INSERT' then 'LOGIN' else 'LOGOUT' end,
        jsonb_build_object('user_id', user_id)
    from new_rows;
    return null;
end $$;
create trigger audit_insert after insert on box_office.sessions referencing new table as new_rows
for each statement execute function box_office.audit_session();
create trigger audit_update after update on box_office.sessions referencing new table as new_rows
for each statement execute function box_office.audit_session();

-- whoever is deleted or erased is logged out
create function box_office.end_sessions() returns trigger language plpgsql security definer
set search_path = box_office, pg_temp as $$
begin
    delete from sessions where user_id = new.id;
    return null;
end $$;
create trigger end_sessions after update of deleted_at on box_office.users
for each row when (new.deleted_at is not null) execute function box_office.end_sessions();

-- Act for the user of a session until the end of the transaction. PT401 if there is no such session any more.
create function box_office.enter(the_token_sha256 bytea) returns void
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    the_user constant bigint := (
        select user_id from sessions
        where token_sha256 = the_token_sha256 and revoked_at is null and expires_at > clock_timestamp());
begin
    if the_user is null then
        raise exception 'The session has ended, or there is none. Log in.' using detail = 'session', errcode = 'PT401';
    end if;
    perform set_config('box_office.user_id', the_user::text, true);
end $$;

create function box_office.enter_as_promoter(the_token_sha256 bytea) returns void
language plpgsql security definer set search_path = box_office, pg_temp as $$
begin
    perform enter(the_token_sha256);
    if not exists (select from promoters where user_id = buyer()) then
        perform refuse('not_yours', 'Only promoters may do this. The operator of the box office can make you one.');
    end if;
end $$;

-- What a login compares with. Nothing if there is no such account.
create function box_office.credentials(the_email text) returns table (user_id bigint, password_hash text)
language sql stable security definer set search_path = box_office, pg_temp as $$
    select id, password_hash from users where email = the_email and deleted_at is null
$$;

-- An account that exists already stays as it is, and nobody is told.
create function box_office.sign_up(the_email text, the_name text, the_password_hash text) returns void
language sql security definer set search_path = box_office, pg_temp as $$
    insert into users (email, full_name, password_hash) values (the_email, the_name, the_password_hash)
    on conflict (email) do nothing
$$;

create function box_office.renew_password_hash(the_user bigint, was text, becomes text) returns void
language sql security definer set search_path = box_office, pg_temp as $$
    update users set password_hash = becomes where id = the_user and password_hash = was
$$;

create function box_office.open_session(the_user bigint, the_token_sha256 bytea, seconds integer) returns json
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    made sessions;
begin
    insert into sessions (user_id, token_sha256, expires_at)
    values (the_user, the_token_sha256, clock_timestamp() + seconds * interval '1 second') returning * into made;
    perform set_config('box_office.user_id', the_user::text, true);
    return json_build_object('session_id', made.id, 'expires_at', made.expires_at, 'user', user_answer());
end $$;

create function box_office.user_answer() returns json
language sql stable security definer set search_path = box_office, pg_temp as $$
    select json_build_object('user_id', users.id, 'email', users.email, 'full_name', users.full_name,
        'promoter', (select json_build_object('promoter_id', id, 'company', company) from promoters
                     where user_id = users.id))
    from users where id = buyer()
$$;

create function box_office.sessions_answer(the_token_sha256 bytea) returns json
language sql stable set search_path = box_office, pg_temp as $$
    select json_build_object('data', coalesce(json_agg(json_build_object(
        'session_id', id, 'created_at', created_at, 'expires_at', expires_at,
        'current', token_sha256 = the_token_sha256) order by id desc), '[]'))
    from sessions where revoked_at is null and expires_at > clock_timestamp()
$$;

-- One of the user's sessions, that of a token, or all. Returns how many ended.
create function box_office.revoke_sessions(the_session bigint default null, the_token_sha256 bytea default null)
returns integer language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    ended integer;
begin
    update sessions set revoked_at = clock_timestamp()
    where user_id = buyer() and revoked_at is null and id = coalesce(the_session, id)
        and token_sha256 = coalesce(the_token_sha256, token_sha256);
    get diagnostics ended = row_count;
    if ended = 0 and the_session is not null then
        perform refuse('unknown', format('You have no session %s.', the_session));
    end if;
    return ended;
end $$;

create function box_office.make_promoter(the_user bigint, the_company text) returns bigint
language plpgsql security definer set search_path = box_office, pg_temp as $$
declare
    made bigint;
begin
    insert into promoters (user_id, company) values (the_user, the_company)
    on conflict (user_id) do update set company = excluded.company returning id into made;
    update users set role = 'promoter' where id = the_user;
    return made;
end $$;

-- Sessions and idempotency keys past their use.
create function box_office.forget_sessions() returns void
language sql security definer set search_path = box_office, pg_temp as $$
    delete from sessions where expires_at < now() - interval '30 days';
    delete from requests where created_at < now() - interval '30 days';
$$;
