-- PostgREST calls this before each request if its setting db-pre-request names it

create function api_parts.check_request() returns void
language plpgsql set search_path = pg_catalog as $$
declare
    headers constant jsonb := nullif(current_setting('request.headers', true), '')::jsonb;
    role_timeout constant interval := current_setting('statement_timeout');
begin
    if headers ? 'x-api-key' and access.tenant() is null then
        raise sqlstate 'PT401' using message = 'The API key is unknown or was revoked.',
            hint = 'Send a key that `tickettape keys list` shows, as the header x-api-key.';
    end if;
    -- PostgREST applies the statement_timeout of the caller's role, and anon has none
    if role_timeout = interval '0' or role_timeout > interval :statement_timeout then
        perform set_config('statement_timeout', :statement_timeout, true);
    end if;
end $$;
