-- When to look at each event: decided anew at each tick from what was seen, and shown with its reason.
create table market.looks (
    event_key integer primary key references market.events (event_key) on delete cascade,
    decided_at timestamptz not null,
    due_tick timestamptz not null,
    looked_tick timestamptz,
    interval_minutes integer not null check (interval_minutes > 0),
    put_off boolean not null,
    hurried boolean not null,
    failures_in_a_row integer not null,
    moved_per_hour real,
    tickets integer,
    views integer not null,
    reason text not null
) with (fillfactor = 50);  -- every row is rewritten at every tick: room for it on its page
comment on table market.looks is 'When each watched event is looked at next, and why: the newest decision';

create table market.event_views (
    hour timestamptz not null,
    event_key integer not null references market.events (event_key) on delete cascade,
    views integer not null,
    primary key (event_key, hour)
);
create index on market.event_views (hour);
comment on table market.event_views is 'How often people looked at an event''s prices here: what is viewed is scraped more often';


-- What an answer states of itself by its parts, beside its totals.
alter table market.captures
    add column stated_group_tickets integer,
    add column stated_section_tickets integer;

-- Every field that answers ever had, so that a new one is noted once.
create table market.answer_fields (
    source text not null,
    field text not null,
    first_seen_at timestamptz not null default now(),
    external_id text,
    primary key (source, field)
);
comment on table market.answer_fields is 'The fields of a marketplace''s answers, each noted when it first came';

create index on market.quarantine (source, external_id, tick) where replayed_at is null;
create index on market.scraper_jobs (source) where status = 'running';


-- What was alerted: a repeat of what is known already is folded into its row.
create table market.alerts (
    alert_id bigint generated always as identity primary key,
    about text not null,
    title text not null,
    message text not null,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    sent_at timestamptz,
    folded integer not null default 0,
    reopened boolean not null default false,
    ended_at timestamptz
);
create unique index on market.alerts (about) where ended_at is null;
comment on table market.alerts is 'What was wrong, since when, when people were told, and when it ended';
