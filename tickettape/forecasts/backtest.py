"""The evaluation protocol: the method run again over a history, week by week, with only what was known at each origin.

Nothing is written but temporary tables, which have the names of the tables of `market`: PostgreSQL looks among them
first, so that the same statements run. A backtest says how the method would have done; the record of what was said is
`market.forecasts` alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tickettape.database import Connection
from tickettape.forecasts.inputs import make_inputs, make_pairs
from tickettape.forecasts.making import make_forecasts
from tickettape.forecasts.method import Measure
from tickettape.forecasts.quantile_table import fit
from tickettape.forecasts.skill import look, score, widths

FOLDS = 5
_TABLES = ("forecast_tables", "forecast_edges", "forecast_cells", "forecasts", "forecast_looks")
Figures = dict[str, Any]


@dataclass
class Backtest:
    """What the protocol found.

    `by_time`, `by_event`: rows of horizon, phases and figures. `gates`: week -> (horizon, phase) -> open.
    """

    events: int = 0
    first: date | None = None
    last: date | None = None
    by_time: list[Figures] = field(default_factory=list)
    by_event: list[Figures] = field(default_factory=list)
    gates: dict[date, dict[tuple[int, str], bool]] = field(default_factory=dict)


@contextmanager
def scratch_tables(connection: Connection) -> Iterator[None]:
    """A transaction in which the tables of forecasts are empty temporary ones. It is rolled back at the end."""
    with connection.transaction(force_rollback=True):
        connection.execute("set local search_path = pg_temp, market, analytics")
        connection.execute("set local jit = off")
        for table in _TABLES:
            connection.execute(
                f"create temporary table {table} (like market.{table} including defaults including identity "
                "including indexes) on commit drop"
            )
        connection.execute("create temporary table forecast_voids (event_key int, tick timestamptz) on commit drop")
        yield


def run_backtest(
    connection: Connection,
    measure: Measure = "get_in",
    *,
    events: list[int] | None = None,
    refit_weeks: int = 1,
    gates_only: bool = False,
) -> Backtest:
    """Run the protocol over `get_in_days`, within `scratch_tables`. `events`: their keys; None: all of them.

    `refit_weeks`: how many weeks a table is used; the program refits every night. `gates_only`: neither `by_time` nor
    `by_event`.
    """
    make_inputs(connection, measure, events=events)
    make_pairs(connection)
    connection.execute("create index on forecast_inputs (event_key, origin); create index on forecast_inputs (origin)")
    first, last, count = _extent(connection)
    found = Backtest(count, first, last)
    if first is None or last is None:
        return found
    version, last_look, monday, number = None, None, first - timedelta(days=first.weekday()), 0
    while monday <= last:
        as_of, end = _midnight(monday), _midnight(monday + timedelta(days=6))
        score(connection, measure, as_of, last=last_look)
        last_look = as_of
        found.gates[monday] = look(connection, measure, monday, weekly=True, gates_only=True)
        if number % refit_weeks == 0 or version is None:
            version = fit(connection, measure, as_of, widths(connection, as_of))
        make_forecasts(connection, measure, version, as_of, end)
        monday, number = monday + timedelta(days=7), number + 1
    if not gates_only:
        found.by_time = figures(connection, measure)
        connection.execute("truncate forecasts")
        for fold in range(FOLDS):
            version = fit(
                connection,
                measure,
                datetime.max.replace(tzinfo=UTC),
                {},
                left_out=(FOLDS, fold),
            )
            make_forecasts(connection, measure, version, _midnight(first), _midnight(last), folds=(FOLDS, [fold]))
        found.by_event = figures(connection, measure)
    return found


def figures(connection: Connection, measure: Measure) -> list[Figures]:
    """Of all forecasts: by horizon and phase, within 14 days (`0-14`), beyond them (`over 14`), and all together."""
    connection.execute("analyze forecasts")
    rows = connection.execute(
        """with scored as (
               select
                   forecasts.*, ln(targets.outcome / origin_value) as move, targets.outcome as came,
                   forecasts.days_to_event - forecasts.horizon_days as days, root.quantiles as root_quantiles
               from forecasts inner join forecast_inputs as targets
                   on forecasts.event_key = targets.event_key and forecasts.zone_key = targets.zone_key
                   and targets.origin = forecasts.origin + forecasts.horizon_days * interval '1 day'
               inner join forecast_cells as root
                   on forecasts.version = root.version and forecasts.horizon_days = root.horizon_days
                   and root.days_bin = 0
               where measure = %s
           )
           select
               horizon_days, part, count(*) as forecasts, count(distinct event_key) as events,
               min(origin)::date as first, max(origin)::date as last,
               sum(abs(move - quantiles[3])) / nullif(sum(abs(move)), 0) as error_ratio,
               sum(abs(move - ln(mid / origin_value))) / nullif(sum(abs(move)), 0) as shown_error_ratio,
               avg((came between low and high)::int)::float8 as coverage_80,
               avg((came between low_50 and high_50)::int)::float8 as coverage_50,
               -- a control: one range of the horizon for all
               avg((move between root_quantiles[1] and root_quantiles[5])::int)::float8 as constant_coverage_80,
               avg(gate_open::int)::float8 as gate_open
           from scored
           cross join lateral unnest(array[
               case when days <= 3 then '0-3' when days <= 7 then '4-7' when days <= 14 then '8-14'
                   when days <= 30 then '15-30' else 'over 30' end,
               case when days <= 14 then '0-14' else 'over 14' end, 'all'
           ]) as parts (part)
           group by horizon_days, part""",
        [measure],
    )
    names = [column.name for column in rows.description or ()]
    return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def _extent(connection: Connection) -> tuple[date | None, date | None, int]:
    row = connection.execute("select min(day), max(day), count(distinct event_key) from forecast_inputs").fetchone()
    return row or (None, None, 0)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
