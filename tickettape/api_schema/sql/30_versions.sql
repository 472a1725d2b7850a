-- When an event's rollups change: its version, and a word to those who wait

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

do $$
declare
    rollup text;
begin
    foreach rollup in array string_to_array(:snapshot_rollups, ' ') loop
        execute format($f$
            create or replace trigger note_insert after insert on analytics.%1$I
                referencing new table as changed for each statement execute function market.note_change();
            create or replace trigger note_delete after delete on analytics.%1$I
                referencing old table as changed for each statement execute function market.note_change();
            create or replace trigger note_update after update on analytics.%1$I
                referencing new table as changed for each statement execute function market.note_change();
        $f$, rollup);
    end loop;
end $$;
