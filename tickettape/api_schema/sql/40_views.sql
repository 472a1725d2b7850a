-- The tables, as views: the reader's rights and policies hold (security_invoker, PostgreSQL 15)
-- On dbt's tables, never on its views, which every tick makes anew: those are copied by their definition.

do $$
declare
    relation text;
    body text;
begin
    foreach relation in array string_to_array(:relations, ' ') loop
        body := case (select relkind from pg_class where oid = to_regclass('analytics.' || relation))
            when 'v' then replace(pg_get_viewdef('analytics.' || relation), 'analytics.price_trends', 'api.price_trends')
            else format('select * from analytics.%I', relation) end;
        -- a staging view is its table as it is, with its owner's rights, which see every tenant's rows: the table instead
        body := replace(replace(body, 'staging.stg_market__', 'market.'), 'stg_market__', '');
        execute format('create view api.%I with (security_invoker = true) as %s', relation, body);
        execute format('comment on view api.%I is %L', relation, obj_description(
            ('analytics.' || relation)::regclass, 'pg_class'));
    end loop;
end $$;
