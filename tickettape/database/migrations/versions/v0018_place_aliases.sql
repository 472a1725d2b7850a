-- Facts keep the ids that their answers had. What is one place is decided here, and can be decided anew.
alter table market.zones
    add column first_tick timestamptz,
    add column first_name text,
    add column same_as integer,
    add foreign key (event_key, same_as) references market.zones (event_key, zone_key);
comment on column market.zones.first_tick is
    'The earliest tick of an answer with this id. Null: none since 0018, or not from a marketplace';
comment on column market.zones.first_name is 'The name it had then';
comment on column market.zones.same_as is
    'An alias: the zone that this is, under a new id of the marketplace. Null: a zone of its own';

alter table market.sections
    add column home_zone_key integer,
    add column first_tick timestamptz,
    add column place_id text;
update market.sections set home_zone_key = zone_key;
alter table market.sections alter column home_zone_key set not null;
comment on column market.sections.zone_key is 'The zone it is shown in; where its home is an alias, the zone that is';
comment on column market.sections.home_zone_key is 'The zone that the marketplace names for it';
comment on column market.sections.first_tick is
    'The earliest tick of an answer with this id. Null: none since 0018, or not from a marketplace';
comment on column market.sections.place_id is 'An alias: the earliest id of this section. Null: this one';

alter table market.sections drop constraint sections_event_key_zone_key_external_id_key;
alter table market.sections add unique (event_key, home_zone_key, external_id);
create index on market.sections (event_key, zone_key);

create function market.set_home_zone() returns trigger language plpgsql as $$
begin
    new.home_zone_key := coalesce(new.home_zone_key, new.zone_key);
    return new;
end $$;
create trigger set_home_zone before insert on market.sections
    for each row execute function market.set_home_zone();

create table market.places_apart (
    event_key integer not null references market.events (event_key) on delete cascade,
    zone_name text not null,
    section_name text not null default '',
    tick timestamptz,
    reason text not null,
    created_at timestamptz not null default now(),
    primary key (event_key, zone_name, section_name)
);
comment on table market.places_apart is
    'Names that several places bear: no alias is made for them. One row per event, zone name and section name '
    '(empty: the zones themselves). `tick`: of an answer that had two of them; null where a person said so';

-- A section that is shown in another zone changes every hour that has it, and the hour in which it went.
create function market.mark_moved_sections() returns trigger language plpgsql as $$
begin
    insert into market.dirty_buckets (rollup, event_key, bucket)
    select distinct rollups.rollup, facts.event_key, facts.hour + went.later
    from (
        select distinct facts.event_key, date_bin('1 hour', facts.tick, timestamptz '2000-01-01 00:00Z') as hour
        from now_moved
        inner join was_moved using (event_key, section_key)
        inner join market.section_snapshots as facts using (event_key, section_key)
        where now_moved.zone_key != was_moved.zone_key
    ) as facts
    cross join (values (interval '0'), (interval '1 hour')) as went (later)
    cross join unnest(array['event_hours', 'price_distribution', 'inventory_changes', 'listing_departures'])
        as rollups (rollup)
    where market.month_is_writable(facts.hour + went.later);
    return null;
end $$;
create trigger mark_moved after update on market.sections
    referencing old table as was_moved new table as now_moved
    for each statement execute function market.mark_moved_sections();
