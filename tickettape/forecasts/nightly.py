"""What happens every night and after the tick of 00:00 UTC, on the program's own tables.

`after_tick` is in the way of live ticks, and so does little: at one tick a day it looks forecasts up. `refit` runs at
night, and reads the history of every event once.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import LiteralString

from tickettape.database import Connection
from tickettape.forecasts.inputs import LOOKBACK_DAYS, days_read_once, make_inputs, make_pairs
from tickettape.forecasts.making import make_forecasts
from tickettape.forecasts.method import Measure
from tickettape.forecasts.price_elasticity import replace_elasticities
from tickettape.forecasts.quantile_table import KEPT_VERSIONS, fit
from tickettape.forecasts.skill import Record, last_weekly_look, look, records, score, widths
from tickettape.forecasts.trends import replace_trends
from tickettape.settings import Settings

MEASURES: tuple[Measure, ...] = ("get_in", "listings", "sales")
MADE_WITHIN = timedelta(hours=1)  # later, a forecast would know more than its origin
_LOCK = 7_153_917  # one process refits at a time; a live tick never waits for it

_BASE_RATES: LiteralString = """
    insert into forecast_base_rates (
        phase, horizon_days, events, pairs, cheaper_10, cheaper_5, dearer_5, dearer_10, low, median, high, as_of
    )
    select
        phase, horizon_days, events, pairs, cheaper_10, cheaper_5, dearer_5, dearer_10,
        quantiles[1], quantiles[2], quantiles[3], %(as_of)s
    from (
        select
            phase, horizon_days, count(distinct event_key) as events, count(*) as pairs,
            avg((move < ln(0.9))::int) as cheaper_10, avg((move < ln(0.95))::int) as cheaper_5,
            avg((move > ln(1.05))::int) as dearer_5, avg((move > ln(1.1))::int) as dearer_10,
            percentile_cont('{.1,.5,.9}'::float8[]) within group (order by move) as quantiles
        from forecast_pairs where begins_at <= %(as_of)s group by phase, horizon_days
    ) as rates
"""


@dataclass(frozen=True)
class Refit:
    """What a night did for one measure. `version` None: too few events are over.

    `records`: horizon in days -> how right the forecasts were.
    """

    measure: Measure
    version: int | None
    events_over: int
    pairs: int
    open_gates: int
    records: dict[int, Record]


@contextmanager
def _own_tables(connection: Connection) -> Iterator[None]:
    """A transaction in which the tables of forecasts are those of `market`."""
    with connection.transaction():
        connection.execute("set local search_path = pg_temp, market, analytics")
        connection.execute("set local jit = off")
        yield


@contextmanager
def _refitting(connection: Connection) -> Iterator[None]:
    """The same, while no other process refits."""
    with _own_tables(connection):
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        yield


def ready(connection: Connection) -> bool:
    """Whether dbt has made what forecasts are made of."""
    missing = connection.execute(
        """select from unnest('{get_in_days,zone_days,estimated_sales}'::text[]) as needed (name)
           where to_regclass('analytics.' || name) is null"""
    ).fetchone()
    return missing is None


def measures(settings: Settings) -> tuple[Measure, ...]:
    """What is forecast: zones only where a setting asks for them."""
    return (*MEASURES, "zones") if settings.forecast_zones else MEASURES


def refit(connection: Connection, now: datetime, of: Sequence[Measure] = MEASURES) -> list[Refit]:
    """Score what was said, look at the gates, and fit new tables for the next origin: a transaction for each measure.

    The first run of a week moves the gates. Elasticities come last: they read listings, and no forecast needs them.
    """
    with days_read_once(connection):
        done = [_refit(connection, measure, now) for measure in of]
    with _refitting(connection):
        replace_elasticities(connection, now.astimezone(UTC).date())
    return done


def _refit(connection: Connection, measure: Measure, now: datetime) -> Refit:
    today = now.astimezone(UTC).date()
    monday = today - timedelta(days=today.weekday())
    with _refitting(connection):
        make_inputs(connection, measure)
        pairs = make_pairs(connection)
        score(connection, measure, now)
        found = records(connection)
        last = last_weekly_look(connection, measure)
        gates = look(connection, measure, today, weekly=last is None or last < monday)
        version = fit(connection, measure, now, widths(connection, now))
        if measure == "get_in":
            connection.execute("delete from forecast_base_rates")
            connection.execute(_BASE_RATES, {"as_of": now})
            replace_trends(connection, today)
        _forget_tables(connection, measure)
        (over,) = connection.execute(
            "select count(distinct event_key) from forecast_pairs where begins_at <= %s", [now]
        ).fetchone() or (0,)
    return Refit(measure, version, over, pairs, sum(gates.values()), found)


def _forget_tables(connection: Connection, measure: Measure) -> None:
    old: LiteralString = """(
        select version from forecast_tables where measure = %s order by version desc offset %s
    )"""
    for table in ("forecast_cells", "forecast_edges"):
        connection.execute(f"delete from {table} where version in {old}", [measure, KEPT_VERSIONS])  # noqa: S608


def origin_of(tick: datetime) -> datetime | None:
    """The origin that a tick is for: its own, if it is a day's first instant in UTC."""
    in_utc = tick.astimezone(UTC)
    return in_utc if in_utc.time() == datetime.min.time() else None


def after_tick(
    connection: Connection, source: str, tick: datetime, now: datetime, of: Sequence[Measure] = MEASURES
) -> dict[str, int]:
    """Forecast the coming events of a source, if the tick is an origin and still young; forecasts made by measure.

    Reads the last two weeks of those events alone. An origin that has its forecasts keeps them.
    """
    origin = origin_of(tick)
    if origin is None or now - origin > MADE_WITHIN or now < origin:
        return {}
    made: dict[str, int] = {}
    events, until = _coming(connection, source, origin), origin.date()
    with days_read_once(connection, events=events, since=_before(origin, max(LOOKBACK_DAYS.values())), until=until):
        for measure in of:
            with _own_tables(connection):
                since = _before(origin, LOOKBACK_DAYS[measure])
                make_inputs(connection, measure, events=events, since=since, until=until)
                made[measure] = make_forecasts(connection, measure, _newest(connection, measure), origin, origin)
    return made


def _before(origin: datetime, days: int) -> date:
    return (origin - timedelta(days=days)).date()


def _coming(connection: Connection, source: str, origin: datetime) -> list[int]:
    rows = connection.execute("select event_key from market.events where source = %s and date > %s", [source, origin])
    return [event_key for (event_key,) in rows]


def _newest(connection: Connection, measure: Measure) -> int | None:
    row = connection.execute(
        "select max(tables.version) from forecast_tables as tables where measure = %s", [measure]
    ).fetchone()
    newest: int | None = row[0] if row else None
    return newest
