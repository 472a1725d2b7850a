-- Which hours were refreshed after their month's hours went to cold storage: there they are out of date.
create table market.remade_hours (
    rollup text not null,
    event_key integer not null references market.events (event_key),
    hour timestamptz not null,
    remade_at timestamptz not null default clock_timestamp(),
    primary key (hour, event_key, rollup)
);
comment on table market.remade_hours is
    'Hours that were refreshed after their month went to cold storage, which is out of date there until it goes again';
