-- Incidents are found by Dagster's code server: where it is gone nobody is told. `tickettape health` asks this.
create table market.watchers (
    watcher text primary key,
    first_at timestamptz not null,
    looked_at timestamptz not null,
    alive_at timestamptz
);
comment on table market.watchers is
    'When each program on this database first and last looked for incidents, and when it last said that all is well (ALIVE_URLS)';
