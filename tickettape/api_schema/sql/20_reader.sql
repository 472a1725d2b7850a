-- The reader, and what it may read

do $$
declare
    member text;
begin
    -- the user that applies this may become the reader, and so may PostgREST's roles if they exist (Supabase)
    foreach member in array current_user::text || string_to_array(:postgrest_roles, ' ') loop
        -- without this grant, the user that made a role could grant it but not become it
        if exists (select from pg_roles where rolname = member and not rolsuper) then
            execute format('grant tickettape_reader to %I', member);
        end if;
    end loop;
end $$;

revoke all on schema api, api_parts, access, market, analytics from public;
revoke all on all tables in schema access, market, analytics from public, tickettape_reader;
revoke all on all functions in schema access, market from public, tickettape_reader;
grant usage on schema api, api_parts, access, market, analytics to tickettape_reader;
grant execute on function access.tenant(), access.sees_all(), access.event_ids(), access.event_keys(),
access.event_names(), access.sold_event_ids(), access.is_tenant(), access.is_read()
to tickettape_reader;

do $$
declare
    visible record;
    rule text;
begin
    for visible in
        select * from (values
            ('market.events'::regclass, 'id'),
            ('market.zones', null), ('market.sections', null), ('market.captures', null),
            ('market.section_snapshots', null), ('market.packed_days', null),
            ('market.listing_changes', null), ('market.packed_listing_changes', null),
            ('market.forecasts', null),
            ('market.event_versions', 'event_id'), ('market.event_sides', null), ('market.event_links', 'both'),
            ('market.forecast_looks', 'none'), ('market.forecast_base_rates', 'none'),
            ('market.market_trends', 'none'), ('market.price_elasticities', 'none')
        ) as tables (name, event_id)
        union all
        select ('analytics.' || rollup)::regclass, 'event_id'
        from unnest(string_to_array(:rollups, ' ')) as rollup
    loop
        if not (select relrowsecurity from pg_class where oid = visible.name) then
            execute format('alter table %s enable row level security', visible.name);
        end if;
        -- the selects in brackets run once per statement, not once per row
        rule := format(
            'access.is_read() and ((select access.sees_all()) or %s)',
            case visible.event_id
                when 'none' then  -- measured over the whole market: for every tenant, and for nobody else
                    '(select access.is_tenant())'
                when 'both' then  -- a link is shown to whoever may see both of its events
                    '((source, external_id) in (select * from access.event_names()) '
                    'and (other_source, other_external_id) in (select * from access.event_names()))'
                else coalesce(
                    visible.event_id || ' in (select access.event_ids())', 'event_key in (select access.event_keys())')
            end);
        -- the policy's comment holds the rule as written here. A policy that is right already is left alone, because
        -- making it again would wait for everybody who reads the table
        if not exists (
            select from pg_policy
            where polrelid = visible.name and polname = 'rows_of_the_tenant'
                and polroles = array['tickettape_reader'::regrole::oid]
                and obj_description(pg_policy.oid, 'pg_policy') = rule
        ) then
            execute format('drop policy if exists rows_of_the_tenant on %s', visible.name);
            execute format(
                'create policy rows_of_the_tenant on %s for select to tickettape_reader using (%s)', visible.name, rule);
            execute format('comment on policy rows_of_the_tenant on %s is %L', visible.name, rule);
        end if;
        execute format('grant select on %s to tickettape_reader', visible.name);
    end loop;
end $$;
