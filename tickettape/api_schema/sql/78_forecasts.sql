-- Forecasts, their record, base rates, comparables and trends.

create type api.forecast_range as (
    event_id uuid, zone text, origin timestamptz, horizon_days smallint, target timestamptz, days_to_event integer, phase text,
    origin_price numeric(10, 2), low numeric(10, 2), low_50 numeric(10, 2), mid numeric(10, 2), high_50 numeric(10, 2),
    high numeric(10, 2), gate_open boolean, n integer, error_ratio double precision, upper_bound double precision,
    coverage_80 double precision, scored_forecasts integer, scored_events integer, cheaper_5 double precision,
    cheaper_10 double precision, dearer_5 double precision, dearer_10 double precision, base_events integer);

create function api_parts.phase(days integer) returns text language sql immutable as $$
    select ('{0-3,4-7,8-14,15-30,over 30}'::text[])[width_bucket(days, '{0,4,8,15,31}'::integer[])]
$$;

create function api.forecast(event_id uuid, zone text default null) returns setof api.forecast_range language sql stable as $$
    select
        made.event_id, made.zone, made.origin, made.horizon_days, made.origin + made.horizon_days * interval '1 day',
        made.days_to_event - made.horizon_days, api_parts.phase(made.days_to_event - made.horizon_days),
        made.origin_price, made.low, made.low_50, made.mid, made.high_50, made.high, made.gate_open, made.n,
        skill.error_ratio, skill.upper_bound, skill.coverage_80, coalesce(skill.forecasts, 0),
        coalesce(skill.events, 0), rates.cheaper_5, rates.cheaper_10, rates.dearer_5, rates.dearer_10,
        coalesce(rates.events, 0)
    from api.price_forecasts as made
    left join api.forecast_skill as skill
        on skill.measure = case when made.zone is null then 'get_in' else 'zones' end and skill.horizon_days = made.horizon_days
        and skill.phase = api_parts.phase(made.days_to_event - made.horizon_days)
    left join api.base_rates as rates
        on made.zone is null and rates.horizon_days = made.horizon_days and rates.phase = api_parts.phase(made.days_to_event)
    where made.event_id = $1 and made.zone is not distinct from $2
        and made.origin = (
            select max(newest.origin) from api.price_forecasts as newest
            where newest.event_id = $1 and newest.zone is not distinct from $2
        )
    order by made.horizon_days
$$;
comment on function api.forecast is
    'What the get-in price of an event, or the lowest price of a zone, may do: the newest forecast, its record so far, and how often waiting was cheaper';

create function api.comparables_of(event_id uuid) returns setof api.comparables language sql stable as $$
    select * from api.comparables as found where found.event_id = $1
    order by found.comparable_price, found.comparable_id
$$;
comment on function api.comparables_of is 'Events like an event at the same distance; at least 8, or none';
