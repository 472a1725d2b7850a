"""The record of the forecasts: what was said, compared with what came. Looked at every night, gates every week.

The targets are the prices as known now: a correction changes a score, never a forecast. A forecast whose origin was
voided is left out, and counted.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, LiteralString

from psycopg.rows import dict_row

from tickettape.database import Connection
from tickettape.forecasts.gates import Judgement, Week, is_open, judge, passed
from tickettape.forecasts.method import HORIZONS, PHASES, Measure, phase
from tickettape.forecasts.quantile_table import Widths

RECORD_WEEKS = 26  # what is older says little of the market of today
WIDTH_WEEKS = 8  # of the forecasts that correct the width of the next ranges
FEWEST_SCORES = 200  # of a horizon and phase, to correct a width
NARROWEST, WIDEST = 0.5, 3.0

_LEVELS: LiteralString = "('{.1,.5,.9}'::float8[])"


def _pinball(quantiles: LiteralString) -> LiteralString:
    """SQL for the mean pinball loss of the 10, 50 and 90 % quantiles of a move."""
    each: list[LiteralString] = [
        "greatest({l} * (move - {q}[{i}]), ({l} - 1) * (move - {q}[{i}]))".replace("{q}", quantiles)
        .replace("{l}", level)
        .replace("{i}", place)
        for level, place in (("0.1", "1"), ("0.5", "3"), ("0.9", "5"))
    ]
    joined: LiteralString = " + ".join(each)
    return "(" + joined + ") / 3"


_SCORES: LiteralString = f"""
    select
        *,
        {_pinball("quantiles")} as pinball_loss,
        {_pinball("base_quantiles")} as base_pinball_loss
    from (
        select
            forecasts.event_key, forecasts.origin, forecasts.horizon_days,
            forecasts.quantiles, forecasts.base_quantiles,
            targets.origin as target,
            date_trunc('week', targets.origin, 'UTC') as week,
            {phase("forecasts.days_to_event - forecasts.horizon_days")} as phase,
            ln(targets.outcome / forecasts.origin_value) as move,
            ln(forecasts.mid / forecasts.origin_value) as shown_move,
            targets.outcome between forecasts.low and forecasts.high as in_80,
            targets.outcome between forecasts.low_50 and forecasts.high_50 as in_50,
            exists (
                select from forecast_voids as voids
                where voids.event_key = forecasts.event_key and voids.tick = forecasts.observed_at
            ) as left_out
        from forecasts
        inner join forecast_inputs as targets
            on forecasts.event_key = targets.event_key and forecasts.zone_key = targets.zone_key
            and targets.origin = forecasts.origin + forecasts.horizon_days * interval '1 day'
        where forecasts.measure = %(measure)s and forecasts.version is not null
            and forecasts.origin >= %(since)s::timestamptz - interval '14 days'
            and targets.origin > %(since)s and targets.origin <= %(as_of)s
    ) as scored
"""  # noqa: S608

_BY_WEEK: LiteralString = """
    select horizon_days, phase, week, sum(abs(move - quantiles[3])) as table_error, sum(abs(move)) as naive_error
    from forecast_scores where not left_out group by horizon_days, phase, week order by week
"""

_FIGURES: LiteralString = """
    select
        horizon_days, phase, count(*) filter (where not left_out) as forecasts,
        count(distinct event_key) filter (where not left_out) as events,
        count(distinct week) filter (where not left_out) as weeks, count(*) filter (where left_out) as left_out,
        min(origin) as first_origin, max(target) as last_target,
        sum(abs(move - shown_move)) filter (where not left_out)
            / nullif(sum(abs(move)) filter (where not left_out), 0) as shown_error_ratio,
        avg(pinball_loss) filter (where not left_out) as pinball_loss,
        avg(base_pinball_loss) filter (where not left_out) as base_pinball_loss,
        avg(in_80::int) filter (where not left_out)::float8 as coverage_80,
        avg(in_50::int) filter (where not left_out)::float8 as coverage_50
    from forecast_scores group by horizon_days, phase
"""

# How far each move lay from the median, in units of the quantile on its side.
_WIDTHS: LiteralString = """
    select horizon_days, phase, count(*), percentile_cont(0.5) within group (order by inner_reach),
        percentile_cont(0.8) within group (order by outer_reach)
    from (
        select
            horizon_days, phase,
            case when move > quantiles[3] then (move - quantiles[3]) / nullif(quantiles[4] - quantiles[3], 0)
                else (quantiles[3] - move) / nullif(quantiles[3] - quantiles[2], 0) end as inner_reach,
            case when move > quantiles[3] then (move - quantiles[3]) / nullif(quantiles[5] - quantiles[3], 0)
                else (quantiles[3] - move) / nullif(quantiles[3] - quantiles[1], 0) end as outer_reach
        from forecast_scores
        where not left_out and target > %(as_of)s - interval '1 week' * %(weeks)s
    ) as reaches
    group by horizon_days, phase
"""

_STORE: LiteralString = """
    insert into forecast_looks (
        measure, looked_on, horizon_days, phase, weekly, forecasts, events, weeks, left_out, first_origin, last_target,
        error_ratio, upper_bound, recent_error_ratio, shown_error_ratio, pinball_loss, base_pinball_loss, coverage_80,
        coverage_50, passed, gate_open
    ) values (
        %(measure)s, %(looked_on)s, %(horizon_days)s, %(phase)s, %(weekly)s, %(forecasts)s, %(events)s, %(weeks)s,
        %(left_out)s, %(first_origin)s, %(last_target)s, %(error_ratio)s, %(upper_bound)s, %(recent_error_ratio)s,
        %(shown_error_ratio)s, %(pinball_loss)s, %(base_pinball_loss)s, %(coverage_80)s, %(coverage_50)s, %(passed)s,
        %(gate_open)s
    ) on conflict do nothing
"""

_NOTHING = {
    **dict.fromkeys(("forecasts", "events", "weeks", "left_out"), 0),
    **dict.fromkeys(("first_origin", "last_target", "shown_error_ratio", "pinball_loss", "base_pinball_loss")),
    **dict.fromkeys(("coverage_80", "coverage_50")),
}


@dataclass(frozen=True)
class Record:
    """How right the forecasts of one horizon were, over all phases. None: nothing moved."""

    forecasts: int
    error_ratio: float | None
    coverage_80: float
    pinball_loss: float
    base_pinball_loss: float


def records(connection: Connection) -> dict[int, Record]:
    """Of `forecast_scores`: horizon in days -> its record. A horizon of which nothing was scored has none."""
    rows = connection.execute(
        """select horizon_days, count(*), sum(abs(move - quantiles[3])) / nullif(sum(abs(move)), 0),
               avg(in_80::int)::float8, avg(pinball_loss), avg(base_pinball_loss)
           from forecast_scores where not left_out group by horizon_days order by horizon_days"""
    )
    return {horizon: Record(*figures) for horizon, *figures in rows}


def score(connection: Connection, measure: Measure, as_of: datetime, *, last: datetime | None = None) -> int:
    """Make the temporary table `forecast_scores` of the last 26 weeks, from `forecast_inputs`; how many are new.

    `last`: the table was made as of then, and no price before that has changed since: only the rest is scored.
    """
    start = as_of - timedelta(weeks=RECORD_WEEKS)
    if last is None:
        connection.execute("drop table if exists pg_temp.forecast_scores")
    else:
        connection.execute("delete from forecast_scores where target <= %s", [start])
    begin: LiteralString = (
        "create temporary table forecast_scores on commit drop as" if last is None else "insert into forecast_scores"
    )
    return connection.execute(begin + _SCORES, {"measure": measure, "as_of": as_of, "since": last or start}).rowcount


def widths(connection: Connection, as_of: datetime) -> Widths:
    """Of `forecast_scores`: by what factors the ranges of 50 and 80 % would have held as often as they say.

    The ranges of a table are of events that are over; a market that moves more now needs wider ones.
    """
    return {
        (horizon, of_phase): (_bounded(inner), _bounded(outer))
        for horizon, of_phase, n, inner, outer in connection.execute(_WIDTHS, {"as_of": as_of, "weeks": WIDTH_WEEKS})
        if n >= FEWEST_SCORES
    }


def _bounded(width: float | None) -> float:
    return min(max(width or 1.0, NARROWEST), WIDEST)


def look(
    connection: Connection, measure: Measure, looked_on: date, *, weekly: bool, gates_only: bool = False
) -> dict[tuple[int, str], bool]:
    """Store the record of `forecast_scores`; (horizon, phase) -> whether its gate is open. A gate moves if `weekly`.

    `gates_only`: without the figures that no gate needs.
    """
    keys = [(horizon, phase) for horizon in HORIZONS for phase in PHASES]
    weeks: defaultdict[tuple[int, str], list[Week]] = defaultdict(list)
    for horizon, of_phase, _week, table_error, naive_error in connection.execute(_BY_WEEK):
        weeks[horizon, of_phase].append(Week(table_error, naive_error))
    judged = {key: judge(weeks[key]) for key in keys}
    through = passed(judged)
    before = _looks_before(connection, measure, looked_on)
    gates = {
        key: is_open(looked_on, key in through, before[key][:2] if key in before else None)
        if weekly
        else key in before and before[key][2]
        for key in keys
    }
    figures = {} if gates_only else _figures(connection)
    with connection.cursor() as cursor:
        cursor.executemany(
            _STORE,
            [
                _row(measure, looked_on, key, figures.get(key, _NOTHING), judged[key])
                | {"weekly": weekly, "passed": key in through, "gate_open": gates[key]}
                for key in keys
            ],
        )
    return gates


def _row(
    measure: Measure, looked_on: date, key: tuple[int, str], figures: dict[str, Any], judged: Judgement
) -> dict[str, Any]:
    return figures | {
        "measure": measure,
        "looked_on": looked_on,
        "horizon_days": key[0],
        "phase": key[1],
        "error_ratio": judged.error_ratio,
        "upper_bound": judged.upper_bound,
        "recent_error_ratio": judged.recent_error_ratio,
    }


def _figures(connection: Connection) -> dict[tuple[int, str], dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows: Iterable[dict[str, Any]] = cursor.execute(_FIGURES).fetchall()
    return {(row["horizon_days"], row["phase"]): row for row in rows}


def _looks_before(
    connection: Connection, measure: Measure, looked_on: date
) -> dict[tuple[int, str], tuple[date, bool, bool]]:
    """(horizon, phase) -> the day of the weekly look before, whether the gate passed it, and whether it was open."""
    rows = connection.execute(
        """select distinct on (horizon_days, phase) horizon_days, phase, looked_on, passed, gate_open
           from forecast_looks where measure = %s and weekly and looked_on < %s
           order by horizon_days, phase, looked_on desc""",
        [measure, looked_on],
    )
    return {(horizon, of_phase): (day, did, is_open) for horizon, of_phase, day, did, is_open in rows}


def last_weekly_look(connection: Connection, measure: Measure) -> date | None:
    """The day of the newest weekly look, or None."""
    row = connection.execute(
        "select max(looked_on) from forecast_looks where measure = %s and weekly", [measure]
    ).fetchone()
    found: date | None = row[0] if row else None
    return found
