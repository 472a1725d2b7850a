-- One quantile table: what values did over some days, at past origins of events that are over.
create table market.forecast_tables (
    version integer generated always as identity primary key,
    measure text not null check (measure in ('get_in', 'listings')),
    as_of timestamptz not null,
    events integer not null,
    pairs integer not null,
    first_origin timestamptz,
    made_at timestamptz not null default clock_timestamp()
);
create index on market.forecast_tables (measure, version desc);
comment on table market.forecast_tables is
    'Quantile tables of forecasts: one row per table. A refit makes a new one';

create table market.forecast_edges (
    version integer not null references market.forecast_tables (version),
    horizon_days smallint not null,
    days_bin smallint not null,
    volatility_edges double precision[],
    deviation_edges double precision[],
    primary key (version, horizon_days, days_bin)
);
comment on table market.forecast_edges is
    'Where the bins of a quantile table begin: one row per table, horizon and bin of days to the event';

create table market.forecast_cells (
    version integer not null references market.forecast_tables (version),
    horizon_days smallint not null,
    days_bin smallint not null,
    volatility_bin smallint not null,
    deviation_bin smallint not null,
    n integer not null,
    quantiles double precision[] not null,
    base_quantiles double precision[] not null,
    widths double precision[] not null,
    primary key (version, horizon_days, days_bin, volatility_bin, deviation_bin)
);
comment on table market.forecast_cells is
    'The cells of a quantile table: one row per table, horizon, and bins of days, volatility and deviation';

-- Forecasts are written once and kept: skill is measured on what was said.
create table market.forecasts (
    measure text not null check (measure in ('get_in', 'listings')),
    event_key integer not null references market.events (event_key),
    origin timestamptz not null check (origin = date_trunc('day', origin, 'UTC')),
    horizon_days smallint not null,
    days_to_event smallint not null,
    origin_value double precision not null check (origin_value > 0),
    observed_at timestamptz not null,
    version integer references market.forecast_tables (version),
    n integer not null,
    quantiles double precision[],
    base_quantiles double precision[],
    low double precision,
    low_50 double precision,
    mid double precision not null,
    high_50 double precision,
    high double precision,
    gate_open boolean not null,
    made_at timestamptz not null default clock_timestamp(),
    primary key (event_key, origin, measure, horizon_days),
    check ((version is null) = (low is null)),
    check (low <= low_50 and low_50 <= mid and mid <= high_50 and high_50 <= high)
);
create index on market.forecasts (origin);
comment on table market.forecasts is
    'Forecasts as they were made: one row per event, origin, measure and horizon. Rows are never changed or deleted';

create function market.keep_forecasts() returns trigger language plpgsql as $$
begin
    raise exception 'Forecasts are kept as they were made: skill is measured on what was said'
        using hint = 'A correction of prices changes the score of a forecast, never the forecast.';
end $$;
create trigger keep_forecasts before update or delete on market.forecasts
for each row execute function market.keep_forecasts();

create view market.forecast_voids as
select event_key, tick from market.voids where ended_at is null;
comment on view market.forecast_voids is
    'What is void now, so that forecasts made of it are left out of the record: one row per event and tick';

-- One look: how right the forecasts were so far, and what follows for the gate. The gate moves at weekly looks only.
create table market.forecast_looks (
    measure text not null check (measure in ('get_in', 'listings')),
    looked_on date not null,
    horizon_days smallint not null,
    phase text not null,
    weekly boolean not null,
    forecasts integer not null,
    events integer not null,
    weeks integer not null,
    left_out integer not null,
    first_origin timestamptz,
    last_target timestamptz,
    error_ratio double precision,
    upper_bound double precision,
    recent_error_ratio double precision,
    shown_error_ratio double precision,
    pinball_loss double precision,
    base_pinball_loss double precision,
    coverage_80 double precision,
    coverage_50 double precision,
    passed boolean not null,
    gate_open boolean not null,
    made_at timestamptz not null default clock_timestamp(),
    primary key (measure, looked_on, horizon_days, phase)
);
comment on table market.forecast_looks is
    'The record of the forecasts, as of a day: one row per measure, day, horizon and phase';

create table market.forecast_base_rates (
    phase text not null,
    horizon_days smallint not null,
    events integer not null,
    pairs integer not null,
    cheaper_10 double precision not null,
    cheaper_5 double precision not null,
    dearer_5 double precision not null,
    dearer_10 double precision not null,
    low double precision not null,
    median double precision not null,
    high double precision not null,
    as_of timestamptz not null,
    primary key (phase, horizon_days)
);
comment on table market.forecast_base_rates is
    'What get-in prices of past events did: one row per phase and horizon, replaced at each refit';

create table market.market_trends (
    scope text not null,
    days smallint not null,
    as_of date not null,
    change double precision not null,
    low double precision not null,
    high double precision not null,
    trend text not null check (trend in ('up', 'down', 'no trend')),
    sell_through double precision,
    events integer not null,
    primary key (scope, days)
);
comment on table market.market_trends is
    'How get-in prices of the same events moved: one row per scope and number of days, replaced every night';

create table market.price_elasticities (
    scope text primary key,
    as_of date not null,
    odds_ratio double precision,
    low double precision,
    high double precision,
    verdict text not null check (verdict in ('shown', 'too few sales', 'not told apart from none')),
    sales integer not null,
    listings integer not null,
    events integer not null
);
comment on table market.price_elasticities is
    'Estimated sales against the price among listings: one row per scope, replaced every night';
