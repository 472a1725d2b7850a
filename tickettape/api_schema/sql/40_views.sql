-- The tables, as views with the reader's rights and policies (security_invoker, PostgreSQL 15)
-- A view of dbt is copied by its definition: through dbt's own view, the tables would be read with the owner's rights.

do $$
declare
    relation text;
    body text;
begin
    foreach relation in array string_to_array(:relations, ' ') loop
        body := case (select relkind from pg_class where oid = to_regclass('analytics.' || relation))
            when 'v' then replace(replace(replace(replace(pg_get_viewdef('analytics.' || relation),
                'analytics.price_trends', 'api.price_trends'), 'analytics.get_in_prices', 'api.get_in_prices'),
                'analytics.get_in_days', 'api.get_in_days'),
                'analytics.sale_probabilities', 'api.sale_probabilities')
            else format('select * from analytics.%I', relation) end;
        -- a staging view has its owner's rights, which see every tenant's rows: use its table, which is the same
        body := replace(replace(body, 'staging.stg_market__', 'market.'), 'stg_market__', '');
        execute format('create view api.%I with (security_invoker = true) as %s', relation, body);
        execute format('comment on view api.%I is %L', relation, obj_description(
            ('analytics.' || relation)::regclass, 'pg_class'));
    end loop;
end $$;
