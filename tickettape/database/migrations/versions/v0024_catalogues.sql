alter table market.events
    add column venue_external_id varchar(255),
    add column latitude double precision check (latitude between -90 and 90),
    add column longitude double precision check (longitude between -180 and 180),
    add column sales_state text
        check (sales_state in ('onsale', 'offsale', 'cancelled', 'postponed', 'rescheduled')),
    add column on_sale_at timestamptz,
    add column off_sale_at timestamptz,
    add column listed_at timestamptz;
comment on column market.events.venue_external_id is 'The id of the venue at the event''s source';
comment on column market.events.sales_state is 'The state of the first sale; only a catalogue states it';
comment on column market.events.listed_at is
    'When a catalogue without listings last named the event; null for events that are watched';
create index on market.events (source, listed_at) where listed_at is not null;


-- Events of two sources that are one. A pair has one row, with its smaller side first, and keeps it: what was refused
-- stays refused. Sides are named by source and id, so that also events outside of market.events can be linked.
create table market.event_links (
    link_id integer generated always as identity primary key,
    source text not null,
    external_id varchar(255) not null,
    other_source text not null,
    other_external_id varchar(255) not null,
    state text not null check (state in ('proposed', 'automatic', 'confirmed', 'refused', 'ended')),
    rule text not null,
    evidence jsonb not null,
    confidence real not null check (confidence between 0 and 1),
    decided_by text not null,
    decided_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    unique (source, external_id, other_source, other_external_id),
    check (source < other_source collate "C")
);
comment on table market.event_links is
    'Which events of two sources are one event, or are not: one row per pair, with the rule and the evidence';
comment on column market.event_links.state is
    'proposed: a person should look. automatic: by a rule. confirmed, refused: by a person, for good. ended: a rule no '
    'longer finds it';
-- an event is at most one event of another source
create unique index event_links_one_of_the_other on market.event_links (source, external_id, other_source)
    where state in ('automatic', 'confirmed');
create unique index event_links_one_of_the_first on market.event_links (other_source, other_external_id, source)
    where state in ('automatic', 'confirmed');

create table market.event_link_changes (
    link_id integer not null references market.event_links (link_id),
    changed_at timestamptz not null default clock_timestamp(),
    state text not null,
    rule text not null,
    evidence jsonb not null,
    confidence real not null,
    decided_by text not null
);
create index on market.event_link_changes (link_id, changed_at);
comment on table market.event_link_changes is
    'What event_links said before each change: one row per change, so that a decision can be undone';

create function market.keep_event_link() returns trigger language plpgsql as $$
begin
    if (old.state, old.rule, old.decided_by) is distinct from (new.state, new.rule, new.decided_by) then
        insert into market.event_link_changes (link_id, state, rule, evidence, confidence, decided_by)
        values (old.link_id, old.state, old.rule, old.evidence, old.confidence, old.decided_by);
    end if;
    return new;
end $$;
create trigger keep_event_link before update on market.event_links
for each row execute function market.keep_event_link();


-- Venues of two sources that are one: by hand, or learned from events that agree. Their ids are the sources' own.
create table market.venue_links (
    source text not null,
    venue_external_id varchar(255) not null,
    other_source text not null,
    other_venue_external_id varchar(255) not null,
    state text not null check (state in ('automatic', 'confirmed', 'refused')),
    rule text not null,
    evidence jsonb not null,
    decided_by text not null,
    decided_at timestamptz not null default now(),
    primary key (source, venue_external_id, other_source, other_venue_external_id),
    check (source < other_source collate "C")
);
comment on table market.venue_links is 'Which venues of two sources are one venue, or are not: one row per pair';
