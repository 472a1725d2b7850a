"""Forecasts at an origin: looked up in the newest quantile table, and written once.

A forecast is never made afterwards: at 00:00 UTC it is made, or for that origin there is none. `forecasts` is
`market.forecasts`, or, in a backtest, a temporary table of that name.
"""

from datetime import datetime
from typing import LiteralString

from tickettape.database import Connection
from tickettape.forecasts.method import HORIZONS, Measure, days_bin, phase

_QUANTILE: LiteralString = "exp(cell.quantiles[3] + (cell.quantiles[{i}] - cell.quantiles[3]) * cell.widths[{w}])"

_MAKE: LiteralString = f"""
    with gates as (
        select distinct on (horizon_days, phase) horizon_days, phase, gate_open
        from forecast_looks
        where measure = %(measure)s and weekly and looked_on <= (%(until)s::timestamptz at time zone 'UTC')::date
        order by horizon_days, phase, looked_on desc
    ),
    asked as (
        select
            origins.*,
            horizons.days as horizon_days,
            {days_bin("origins.days_to_event - horizons.days")} as days_bin,
            {phase("origins.days_to_event - horizons.days")} as phase
        from forecast_inputs as origins
        cross join unnest(%(horizons)s::smallint[]) as horizons (days)
        where origins.origin >= %(since)s and origins.origin <= %(until)s
            and origins.days_to_event >= horizons.days and origins.value is not null
            and origins.event_key %% %(folds)s = any (%(fold)s)
    ),
    -- materialized, so that each origin looks up its one cell: it read every cell of its horizon
    binned as materialized (
        select
            asked.*,
            coalesce(width_bucket(asked.volatility, edges.volatility_edges) + 1, 0)::smallint as volatility_bin,
            coalesce(width_bucket(asked.deviation, edges.deviation_edges) + 1, 0)::smallint as deviation_bin
        from asked
        left join forecast_edges as edges
            on edges.version = %(version)s
            and asked.horizon_days = edges.horizon_days and asked.days_bin = edges.days_bin
    ),
    looked_up as (
        select
            binned.*, cell.version, cell.n, cell.quantiles, cell.base_quantiles,
            coalesce(gates.gate_open, false) and cell.version is not null as gate_open,
            {_QUANTILE.format(i=1, w=2)} as low, {_QUANTILE.format(i=2, w=1)} as low_50,
            {_QUANTILE.format(i=4, w=1)} as high_50, {_QUANTILE.format(i=5, w=2)} as high
        from binned
        left join forecast_cells as cell
            on cell.version = %(version)s
            and binned.horizon_days = cell.horizon_days and binned.days_bin = cell.days_bin
            and binned.volatility_bin = cell.volatility_bin and binned.deviation_bin = cell.deviation_bin
        left join gates on binned.horizon_days = gates.horizon_days and binned.phase = gates.phase
    ),
    pointed as (
        select *, case when gate_open then exp(quantiles[3]) else 1 end as mid
        from looked_up
    )
    insert into forecasts (
        measure, event_key, zone_key, origin, horizon_days, days_to_event, origin_value, observed_at, version, n,
        quantiles, base_quantiles, low, low_50, mid, high_50, high, gate_open
    )
    select
        %(measure)s, event_key, zone_key, origin, horizon_days, days_to_event, value, observed_at, version,
        coalesce(n, 0), quantiles, base_quantiles,
        -- a range holds its own point, also where that is the last price; without a table there is no range
        case when version is not null then value * least(low, low_50, mid) end,
        case when version is not null then value * least(low_50, mid) end,
        value * mid,
        case when version is not null then value * greatest(high_50, mid) end,
        case when version is not null then value * greatest(high, high_50, mid) end,
        gate_open
    from pointed
    on conflict do nothing
"""  # noqa: S608


def make_forecasts(
    connection: Connection,
    measure: Measure,
    version: int | None,
    since: datetime,
    until: datetime,
    *,
    folds: tuple[int, list[int]] = (1, [0]),
) -> int:
    """Forecast each origin of `forecast_inputs` in [since, until] with a table; how many forecasts were made.

    `version` None: the last price, without a range. `folds`: (5, [2]) forecasts only events whose key divided by 5
    leaves 2. An origin that has its forecast keeps it.
    """
    return connection.execute(
        _MAKE,
        {
            "measure": measure,
            "version": version,
            "since": since,
            "until": until,
            "horizons": list(HORIZONS),
            "folds": folds[0],
            "fold": folds[1],
        },
    ).rowcount
