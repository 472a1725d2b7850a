"""Market trends: how the get-in prices of the same events moved, day by day, chained over 7 and 28 days.

The median of what happens to be listed moves when other events are listed; a chain of medians of same-event changes
does not. Where the bootstrap band holds 0, there is no trend to tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import LiteralString

import numpy as np
import numpy.typing as npt

from tickettape.database import Connection

SPANS = (7, 28)  # days
FEWEST_EVENTS = 20
RESAMPLES = 400
ALL = "all"

# Days before the last origin; the moves of one day are of events that were observed on both sides of it.
_MOVES: LiteralString = """
    select coalesce(scopes.scope, 'all'), pairs.event_key, (%(today)s::date - pairs.day - 1)::int, pairs.move
    from forecast_pairs as pairs
    inner join market.events as events on pairs.event_key = events.event_key
    cross join lateral (values (null), ('category: ' || events.category)) as scopes (scope)
    where pairs.horizon_days = 1 and pairs.day >= %(today)s::date - %(days)s and pairs.day < %(today)s::date
"""


@dataclass(frozen=True)
class Trend:
    """A change over some days as a log, with the band of 95 %; None instead of one: too few events."""

    change: float
    low: float
    high: float
    events: int

    @property
    def word(self) -> str:
        """`up` or `down`, or `no trend` where the band holds 0."""
        return "no trend" if self.low <= 0 <= self.high else "up" if self.change > 0 else "down"


def chained(moves: npt.NDArray[np.float64], *, seed: int = 1) -> Trend | None:
    """The trend of moves [event, day], NaN where an event has none: events are resampled, whole.

    None if fewer than 20 events, or a day without any: a chain with a missing link says nothing.
    """
    moves = moves[~np.isnan(moves).all(axis=1)]
    if len(moves) < FEWEST_EVENTS or np.isnan(moves).all(axis=0).any():
        return None
    drawn = np.random.default_rng(seed).integers(len(moves), size=(RESAMPLES, len(moves)))
    with np.errstate(all="ignore"):
        resampled = np.array([np.nansum(_medians(moves[rows])) for rows in drawn])
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Trend(float(_medians(moves).sum()), float(low), float(high), len(moves))


def _medians(moves: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The median of each day's moves; 0 where a resample has none of a day."""
    counts = np.count_nonzero(~np.isnan(moves), axis=0)
    in_order = np.sort(moves, axis=0)  # NaN last
    columns = np.arange(moves.shape[1])
    lower, upper = in_order[np.maximum(counts - 1, 0) // 2, columns], in_order[np.maximum(counts, 1) // 2, columns]
    halves = np.where(counts % 2 == 1, lower, (lower + upper) / 2)
    return np.asarray(np.where(counts > 0, halves, 0.0))


def replace_trends(connection: Connection, today: date) -> int:
    """Replace `market_trends` by those of the days until today, of `forecast_pairs`; how many scopes have one."""
    rows = connection.execute(_MOVES, {"today": today, "days": max(SPANS)}).fetchall()
    connection.execute("delete from market_trends")
    found: list[tuple[object, ...]] = []
    for scope in sorted({row[0] for row in rows}):
        of_scope = [row[1:] for row in rows if row[0] == scope]
        for days in SPANS:
            trend = chained(_matrix([row for row in of_scope if row[1] < days], days))
            if trend is not None:
                share = _sell_through(connection, scope, today, days)
                found.append((
                    scope, days, today, np.expm1(trend.change), np.expm1(trend.low), np.expm1(trend.high), trend.word,
                    share, trend.events,
                ))  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(
            """insert into market_trends (scope, days, as_of, change, low, high, trend, sell_through, events)
               values (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [tuple(float(value) if isinstance(value, np.floating) else value for value in row) for row in found],
        )
    return len(found)


def _matrix(rows: Sequence[tuple[int, int, float]], days: int) -> npt.NDArray[np.float64]:
    places = {event: place for place, event in enumerate(sorted({row[0] for row in rows}))}
    matrix = np.full((len(places), days), np.nan)
    for event, day, move in rows:
        matrix[places[event], day] = move
    return matrix


def _sell_through(connection: Connection, scope: str, today: date, days: int) -> float | None:
    """Estimated sold tickets of the days, as a share of them and what is left. None: no listings are known."""
    row = connection.execute(
        """with chosen as (
               select id from market.events
               where date >= %(since)s and (%(scope)s = 'all' or 'category: ' || category = %(scope)s)
           )
           select sum(sold.tickets)::float8 / nullif(sum(sold.tickets) + sum(remaining.tickets), 0)
           from chosen
           cross join lateral (
               select coalesce(sum(sales.tickets) filter (where sales.verdict = 'sold'), 0) as tickets
               from analytics.listing_departures as sales
               where sales.event_id = chosen.id and sales.hour >= %(since)s
               offset 0
           ) as sold
           cross join lateral (
               select coalesce(sum(latest.total_tickets), 0) as tickets
               from analytics.latest_prices as latest
               where latest.event_id = chosen.id
               offset 0
           ) as remaining""",
        {"since": today - timedelta(days=days), "scope": scope},
    ).fetchone()
    return row[0] if row else None
