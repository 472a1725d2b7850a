-- What PostgREST calls before each request, where its setting db-pre-request names it

create function api_parts.check_request() returns void
language plpgsql set search_path = pg_catalog as $$
declare
    headers constant jsonb := nullif(current_setting('request.headers', true), '')::jsonb;
    role_timeout constant interval := current_setting('statement_timeout');
begin
    -- the planner guesses from every tenant's rows, so its guess tells how many of them are hidden
    if headers ->> 'prefer' ~* 'count *= *"?(planned|estimated)' then
        raise sqlstate 'PT400' using message = 'Rows are not estimated here.', hint = 'Ask for count=exact.';
    end if;
    if headers ? 'x-api-key' and access.tenant() is null then
        raise sqlstate 'PT401' using message = 'The API key is unknown or was revoked.',
            hint = 'Send a key that `tickettape keys list` shows, as the header x-api-key.';
    end if;
    -- PostgREST takes the limit of the role that asks, and anon has none of its own
    if role_timeout = interval '0' or role_timeout > interval :statement_timeout then
        perform set_config('statement_timeout', :statement_timeout, true);
    end if;
end $$;
