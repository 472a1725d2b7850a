"""The quantile table: what values did over some days, in the cells that past origins fall into. Fitted in SQL.

A cell is a horizon, a bin of days to the event at the target, a tercile of volatility and a fifth of the deviation from
the mean of seven days. Its quantiles are drawn towards those of the cell without its last part: few cases say little.
"""

from datetime import datetime
from typing import Any, LiteralString

from tickettape.database import Connection
from tickettape.forecasts.method import FEWEST_EVENTS, PARENT_WEIGHT, Measure

KEPT_VERSIONS = 60  # forecasts hold their own quantiles: an old table is only looked at

Widths = dict[tuple[int, str], tuple[float, float]]
"""Horizon and phase -> by what factors the ranges of 50 and 80 % are wider than the table's."""

_LEVELS: LiteralString = "'{.1,.25,.5,.75,.9}'::float8[]"

_EDGES: LiteralString = """
    insert into forecast_edges (version, horizon_days, days_bin, volatility_edges, deviation_edges)
    select
        %(version)s, horizon_days, days_bin,
        percentile_cont('{.3333333333,.6666666667}'::float8[]) within group (order by volatility),
        percentile_cont('{.2,.4,.6,.8}'::float8[]) within group (order by deviation)
    from forecast_pairs
    where begins_at <= %(as_of)s and event_key %% %(folds)s != %(fold)s
    group by horizon_days, days_bin
"""


def _shrunk(own: LiteralString, parent: LiteralString, n: LiteralString) -> LiteralString:
    """SQL for quantiles that are drawn towards the parent's, one by one."""
    parts: list[LiteralString] = ["1", "2", "3", "4", "5"]
    each: list[LiteralString] = [
        "(coalesce({own}[{i}] * {n}, 0) + {parent}[{i}] * {weight}) / (coalesce({n}, 0) + {weight})".replace(
            "{own}", own
        )
        .replace("{parent}", parent)
        .replace("{n}", n)
        .replace("{i}", part)
        .replace("{weight}", PARENT_WEIGHT)
        for part in parts
    ]
    joined: LiteralString = ", ".join(each)
    return "array[" + joined + "]"


# A row whose volatility or deviation is not known counts in the cells without it: bin 0 is "any" of both.
_CELLS: LiteralString = f"""
    with placed as (
        select
            pairs.horizon_days, pairs.days_bin,
            width_bucket(pairs.volatility, edges.volatility_edges) + 1 as volatility_bin,
            width_bucket(pairs.deviation, edges.deviation_edges) + 1 as deviation_bin,
            pairs.move
        from forecast_pairs as pairs
        inner join forecast_edges as edges
            on edges.version = %(version)s
            and pairs.horizon_days = edges.horizon_days and pairs.days_bin = edges.days_bin
        where pairs.begins_at <= %(as_of)s and pairs.event_key %% %(folds)s != %(fold)s
    ),
    own as materialized (
        select
            horizon_days,
            case when grouping(days_bin) = 1 then 0 else days_bin end as days_bin,
            case when grouping(volatility_bin) = 1 then 0 else volatility_bin end as volatility_bin,
            case when grouping(deviation_bin) = 1 then 0 else deviation_bin end as deviation_bin,
            count(*)::float8 as n,
            percentile_cont({_LEVELS}) within group (order by move) as q
        from placed
        group by grouping sets (
            (horizon_days), (horizon_days, days_bin), (horizon_days, days_bin, volatility_bin),
            (horizon_days, days_bin, volatility_bin, deviation_bin)
        )
    ),
    by_days as (
        select root.horizon_days, bins.days_bin, own.n, {_shrunk("own.q", "root.q", "own.n")} as q
        from own as root
        cross join generate_series(1, 7) as bins (days_bin)
        left join own
            on own.horizon_days = root.horizon_days and own.days_bin = bins.days_bin
            and own.volatility_bin = 0 and own.deviation_bin = 0
        where root.days_bin = 0 and root.volatility_bin = 0 and root.deviation_bin = 0
    ),
    by_volatility as (
        select by_days.horizon_days, by_days.days_bin, 0 as volatility_bin, by_days.n, by_days.q
        from by_days
        union all
        select by_days.horizon_days, by_days.days_bin, bins.bin, own.n, {_shrunk("own.q", "by_days.q", "own.n")}
        from by_days
        cross join generate_series(1, 3) as bins (bin)
        left join own
            on own.horizon_days = by_days.horizon_days and own.days_bin = by_days.days_bin
            and own.volatility_bin = bins.bin and own.deviation_bin = 0
    ),
    by_deviation as (
        select horizon_days, days_bin, volatility_bin, 0 as deviation_bin, n, q, q as base from by_volatility
        union all
        select horizon_days, 0, 0, 0, n, q, q
        from own
        where days_bin = 0 and volatility_bin = 0 and deviation_bin = 0
        union all
        select
            parent.horizon_days, parent.days_bin, parent.volatility_bin, bins.bin, own.n,
            {_shrunk("own.q", "parent.q", "own.n")}, parent.q
        from by_volatility as parent
        cross join generate_series(1, 5) as bins (bin)
        left join own
            on own.horizon_days = parent.horizon_days and own.days_bin = parent.days_bin
            and own.volatility_bin = parent.volatility_bin and own.deviation_bin = bins.bin
    )
    insert into forecast_cells
        (version, horizon_days, days_bin, volatility_bin, deviation_bin, n, quantiles, base_quantiles, widths)
    select
        %(version)s, horizon_days, days_bin, volatility_bin, deviation_bin, coalesce(n, 0)::int, q,
        -- the last price, with the spread that days and volatility alone give it
        array[base[1] - base[3], base[2] - base[3], 0, base[4] - base[3], base[5] - base[3]],
        coalesce(
            (
                select array[given.half, given.most]
                from unnest(%(horizons)s::smallint[], %(phases)s::text[], %(inner)s::float8[], %(outer)s::float8[])
                    as given (horizon_days, phase, half, most)
                where given.horizon_days = by_deviation.horizon_days
                    and given.phase = ('{{0-3,0-3,0-3,4-7,8-14,15-30,over 30}}'::text[])[by_deviation.days_bin]
            ),
            array[1, 1]
        )
    from by_deviation
"""  # noqa: S608


def fit(
    connection: Connection,
    measure: Measure,
    as_of: datetime,
    widths: Widths,
    *,
    left_out: tuple[int, int] = (2, -1),
) -> int | None:
    """Fit a table on the events of `forecast_pairs` that are over; its version. None: fewer than 100 events are over.

    `widths`: horizon and phase -> the factors of the ranges of 50 and 80 %. `left_out`: (5, 2) leaves out the events
    whose key divided by 5 leaves 2, for a test on them.
    """
    values: dict[str, Any] = {"as_of": as_of, "folds": left_out[0], "fold": left_out[1], "measure": measure}
    row = connection.execute(
        """with known as (
               select count(distinct event_key) as events, count(*) as pairs,
                   min(day)::timestamp at time zone 'UTC' as first_origin
               from forecast_pairs where begins_at <= %(as_of)s and event_key %% %(folds)s != %(fold)s
           )
           insert into forecast_tables (measure, as_of, events, pairs, first_origin)
           select %(measure)s, %(as_of)s, events, pairs, first_origin from known where events >= %(fewest)s
           returning version""",
        {**values, "fewest": FEWEST_EVENTS},
    ).fetchone()
    if row is None:
        return None
    values["version"] = version = int(row[0])
    connection.execute(_EDGES, values)
    values |= {
        "horizons": [horizon for horizon, _ in widths],
        "phases": [phase for _, phase in widths],
        "inner": [inner for inner, _ in widths.values()],
        "outer": [outer for _, outer in widths.values()],
    }
    connection.execute(_CELLS, values)
    return version
