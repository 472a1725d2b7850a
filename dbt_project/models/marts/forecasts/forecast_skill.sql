with newest as (
    select measure, max(looked_on) as looked_on
    from {{ ref('stg_market__forecast_looks') }}
    group by measure
)

select
    looks.measure,
    looks.horizon_days,
    looks.phase,
    looks.looked_on,
    looks.error_ratio,
    looks.upper_bound,
    looks.recent_error_ratio,
    looks.shown_error_ratio,
    looks.pinball_loss,
    looks.base_pinball_loss,
    looks.coverage_80,
    looks.coverage_50,
    looks.forecasts,
    looks.events,
    looks.weeks,
    looks.left_out,
    looks.first_origin,
    looks.last_target,
    looks.passed,
    looks.gate_open
from {{ ref('stg_market__forecast_looks') }} as looks
inner join newest on looks.measure = newest.measure and looks.looked_on = newest.looked_on
