-- Two more measures: the lowest price of each zone, and the tickets that are probably sold in a day.
alter table market.forecast_tables
    drop constraint forecast_tables_measure_check,
    add check (measure in ('get_in', 'listings', 'zones', 'sales'));
alter table market.forecast_looks
    drop constraint forecast_looks_measure_check,
    add check (measure in ('get_in', 'listings', 'zones', 'sales'));
alter table market.forecasts
    add column zone_key integer not null default 0,
    drop constraint forecasts_measure_check,
    add check (measure in ('get_in', 'listings', 'zones', 'sales')),
    add check ((measure = 'zones') = (zone_key != 0)),
    drop constraint forecasts_pkey,
    add primary key (event_key, origin, measure, horizon_days, zone_key);
comment on column market.forecasts.zone_key is '0: the event as a whole';
comment on table market.forecasts is
    'Forecasts as they were made: one row per event, zone, origin, measure and horizon. Rows are never changed or deleted';
