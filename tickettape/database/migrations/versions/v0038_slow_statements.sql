create table market.slow_statements (
    day date not null,
    statement text not null,
    calls bigint not null,
    seconds double precision not null,
    longest_seconds double precision not null,
    primary key (day, statement)
);
comment on table market.slow_statements is
    'Statements of the service that took more than a second, by UTC day; without their values';
