-- The tables, as views: the reader's rights and policies hold (security_invoker, PostgreSQL 15)
-- On dbt's tables, never on its views, which every tick makes anew: those are copied by their definition.

do $$
declare
    relation text;
    body text;
begin
    -- dbt's staging views have their owner's rights, which see every tenant's rows: the reader gets copies of them
    for relation in select viewname from pg_views where schemaname = 'staging' and viewname like 'stg\_market\_\_%' loop
        body := pg_get_viewdef('staging.' || relation);
        execute format('create view api_parts.%I with (security_invoker = true) as %s', relation, body);
        execute format('grant select on api_parts.%I to tickettape_reader', relation);
    end loop;
    foreach relation in array string_to_array(:relations, ' ') loop
        body := case (select relkind from pg_class where oid = to_regclass('analytics.' || relation))
            when 'v' then replace(replace(pg_get_viewdef('analytics.' || relation),
                'analytics.price_trends', 'api.price_trends'), 'staging.stg_market__', 'api_parts.stg_market__')
            else format('select * from analytics.%I', relation) end;
        execute format('create view api.%I with (security_invoker = true) as %s', relation, body);
        execute format('comment on view api.%I is %L', relation, obj_description(
            ('analytics.' || relation)::regclass, 'pg_class'));
    end loop;
end $$;
