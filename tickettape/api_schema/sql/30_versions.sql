-- When an event's rollups change, its version changes, and waiting streams are notified

create or replace function market.note_change() returns trigger language plpgsql as $$
begin
    insert into market.event_versions (event_id, rollup, changed_at)
    select ids.event_id, tg_table_name, clock_timestamp()
    from (select distinct changed.event_id from changed) as ids
    on conflict (event_id, rollup) do update set changed_at = excluded.changed_at;
    if tg_table_name = 'latest_prices' then
        perform pg_notify('tickettape_prices', ids.event_id::text)
        from (select distinct changed.event_id from changed) as ids;
    end if;
    return null;
end $$;

-- An existing trigger is left alone, because making it again would wait for everybody who writes to the table. So a
-- trigger that must change needs a new name.
do $$
declare
    rollup text;
    change text;
begin
    foreach rollup in array string_to_array(:rollups, ' ') loop
        foreach change in array array['insert', 'delete', 'update'] loop
            if not exists (
                select from pg_trigger
                where tgrelid = ('analytics.' || quote_ident(rollup))::regclass and tgname = 'note_' || change
            ) then
                execute format(
                    'create trigger %I after %s on analytics.%I referencing %s table as changed '
                    'for each statement execute function market.note_change()',
                    'note_' || change, change, rollup, case change when 'delete' then 'old' else 'new' end);
            end if;
        end loop;
    end loop;
end $$;
