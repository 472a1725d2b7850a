create table market.database_sizes (
    measured_at timestamptz not null,
    bytes bigint not null,
    relation text not null,
    primary key (relation, measured_at)
);
comment on table market.database_sizes is
    'What each table weighed when: growth a day, and when the disk is full. A partitioned table is one relation';

create table market.cold_hours (
    month date primary key check (extract(day from month) = 1),
    verified_at timestamptz not null,
    deleted_at timestamptz,
    pinned_until date,
    files jsonb not null
);
comment on table market.cold_hours is
    'Months of hourly rollups that are in cold storage, verified. Pinned: brought back, and left alone until then';
