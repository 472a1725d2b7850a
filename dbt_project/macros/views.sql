{#-
  Views are replaced in place, and only if their SQL has changed. dbt's own materialization renames the old view and
  drops it with all views that depend on it. For a moment nobody could read those, and every tick waited for readers.

  The new view is first made under a temporary name. If PostgreSQL prints the same definition for both, nothing is done.
  If columns were removed or moved, the view must be dropped. Dependent views are then made again in the same
  transaction, except those that need a removed column: dbt makes those later, or reports them.
-#}
{% materialization view, adapter='postgres' %}
{%- set existing = load_cached_relation(this) -%}
{%- set target_relation = this.incorporate(type='view') -%}
{%- set grant_config = config.get('grants') -%}

{{ run_hooks(pre_hooks, inside_transaction=False) }}
{{ run_hooks(pre_hooks, inside_transaction=True) }}

{%- if existing is not none and existing.type != 'view' %}
{{ exceptions.raise_compiler_error(
    existing.render() ~ ' is a ' ~ existing.type ~ ', and this model is a view. Drop or rename it first: its rows would be lost.'
) }}
{%- endif %}
{%- if config.get('contract').enforced %}
{{ get_assert_columns_equivalent(sql) }}
{%- endif %}

{% call statement('main') -%}
{{ replace_view(target_relation, sql) }}
{%- endcall %}

{% set should_revoke = should_revoke(existing, full_refresh_mode=false) %}
{% do apply_grants(target_relation, grant_config, should_revoke=should_revoke) %}
{% do persist_docs(target_relation, model) %}
{{ run_hooks(post_hooks, inside_transaction=True) }}
{{ adapter.commit() }}
{{ run_hooks(post_hooks, inside_transaction=False) }}
{{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{% macro replace_view(relation, sql) -%}
{%- set beside = 'pg_temp."' ~ relation.identifier[:50] ~ '__new"' -%}
create temporary view {{ beside.split('.')[1] }} as (
{{ sql }}
);
do $replace_view$
declare
    present regclass;
    options text;  -- without these, a replaced view would lose its options
    definition constant text := pg_get_viewdef('{{ beside }}'::regclass);
    old record;
    granted record;
begin
    -- if several builds run at once, one replaces the view, and the others then have nothing to do
    perform pg_advisory_xact_lock(hashtextextended('{{ relation }}', 0));
    present := to_regclass('{{ relation }}');
    drop view {{ beside }};
    if pg_get_viewdef(present) = definition then
        return;
    end if;
    options := (
        select ' with (' || array_to_string(reloptions, ', ') || ')' from pg_class where oid = present
    );
    set local lock_timeout = '10s';  -- if somebody reads the view for longer, the next build replaces it
    begin
        execute format('create or replace view {{ relation }}%s as %s', options, definition);
    exception when invalid_table_definition then
        create temporary table replaced_views on commit drop as
        with recursive replaced (view, depth) as (
            select present::oid, 0
            union
            select rules.ev_class, replaced.depth + 1
            from replaced
            inner join pg_depend as needs on needs.refclassid = 'pg_class'::regclass and needs.refobjid = replaced.view
            inner join pg_rewrite as rules on needs.classid = 'pg_rewrite'::regclass and needs.objid = rules.oid
            where rules.ev_class != replaced.view
        )
        select
            max(replaced.depth) as depth,
            format('%I.%I', classes.relnamespace::regnamespace::text, classes.relname) as name,
            case when classes.oid = present then definition else pg_get_viewdef(classes.oid) end as definition,
            coalesce(' with (' || array_to_string(classes.reloptions, ', ') || ')', '') as options,
            classes.relacl as acl
        from replaced
        inner join pg_class as classes on replaced.view = classes.oid and classes.relkind = 'v'
        group by classes.oid, classes.relnamespace, classes.relname, classes.reloptions, classes.relacl;
        execute 'drop view {{ relation }} cascade';
        for old in select * from replaced_views order by depth loop
            begin
                execute format('create view %s%s as %s', old.name, old.options, old.definition);
                for granted in select privilege_type, grantee from aclexplode(old.acl) loop
                    execute format(
                        'grant %s on %s to %s', granted.privilege_type, old.name,
                        case granted.grantee when 0 then 'public' else granted.grantee::regrole::text end
                    );
                end loop;
            exception when undefined_column or undefined_table then
                raise notice '% needs a column that {{ relation }} no longer has', old.name;
            end;
        end loop;
        drop table replaced_views;
    end;
end
$replace_view$
{%- endmacro %}
