"""How the odds that a listing is sold go with its price among its neighbours. An association, not demand elasticity.

Listings of one event, zone and capture are compared with each other only: which of them were sold within a day, or a
part of their tickets, by the verdict `sold`? Sellers whose seats are better ask more, so a price is not the only cause.
"""

from dataclasses import dataclass
from datetime import date
from math import exp, log
from typing import Any, LiteralString

import numpy as np
import numpy.typing as npt

from tickettape.database import Connection

FEWEST_SALES = 50
DAYS = 28
CAPTURES = 300  # whole captures are read; the night has other work
STEPS = 30

# Of each event-day in turn by its hash, so that no event and no weekday is preferred.
_LISTINGS: LiteralString = """
    with chosen as materialized (
        select days.event_id, days.event_key, days.observed_at, events.category
        from analytics.get_in_days as days
        inner join market.events as events on days.event_key = events.event_key
        where days.origin > %(today)s::date - %(days)s and days.origin < %(today)s::date
            and exists (
                select from market.listing_ticks as ticks
                where ticks.event_key = days.event_key and ticks.tick = days.observed_at
                    and ticks.date = (days.observed_at at time zone 'UTC')::date
            )
        order by hashint8(days.event_key::bigint * 100003 + extract(epoch from days.origin)::bigint / 86400)
        limit %(captures)s
    )
    select
        chosen.event_key, dense_rank() over (order by chosen.event_key, chosen.observed_at, shown.zone),
        coalesce('category: ' || chosen.category, 'all'), ln(shown.price)::float8, sold.listing_id is not null
    from chosen
    cross join lateral market.listings_at(chosen.event_id, chosen.observed_at) as shown
    left join lateral (
        select departures.listing_id
        from analytics.listing_departures as departures
        where departures.event_id = chosen.event_id
            and departures.hour >= date_trunc('hour', chosen.observed_at)
            and departures.timestamp > chosen.observed_at
            and departures.timestamp <= chosen.observed_at + interval '1 day'
            and departures.listing_id = shown.listing_id and departures.verdict = 'sold'
        limit 1
    ) as sold on true
    where shown.price > 0
"""


@dataclass(frozen=True)
class Elasticity:
    """The odds of a sale for a price that is 10 % higher, as a ratio, with its band of 95 %."""

    odds_ratio: float
    low: float
    high: float


def verdict_on(sales: int, found: Elasticity | None) -> str:
    """Whether it is shown: `too few sales`, or `not told apart from none` where the band holds 1."""
    if sales < FEWEST_SALES or found is None:
        return "too few sales"
    return "not told apart from none" if found.low <= 1 <= found.high else "shown"


def conditional_odds(
    groups: npt.NDArray[np.int64],
    events: npt.NDArray[np.int64],
    log_prices: npt.NDArray[np.float64],
    sold: npt.NDArray[np.bool_],
) -> Elasticity | None:
    """A conditional logit of `sold` on the log price within each group. None if no group says anything.

    A group that sold all or nothing says nothing. The band lets listings of one event depend on each other.
    """
    _, group = np.unique(groups, return_inverse=True)
    sizes, sales = np.bincount(group), np.bincount(group, weights=sold)
    says = ((sales > 0) & (sales < sizes))[group]
    if not says.any():
        return None
    _, group = np.unique(group[says], return_inverse=True)
    _, event = np.unique(events[says], return_inverse=True)
    x, y = log_prices[says], sold[says].astype(float)
    x = x - (np.bincount(group, weights=x) / np.bincount(group))[group]
    first = np.unique(group, return_index=True)[1]
    event = event[first]
    slope = 0.0
    for _ in range(STEPS):
        scores, information = _score(x, y, group, slope)
        if information <= 0:
            return None
        step = float(scores.sum()) / information
        slope += max(min(step, 1.0), -1.0)
        if abs(step) < 1e-9:
            break
    scores, information = _score(x, y, group, slope)
    by_event = np.bincount(event, weights=scores)
    clusters = len(by_event)
    if clusters < 2:
        return None
    error = (float((by_event**2).sum()) * clusters / (clusters - 1)) ** 0.5 / information
    tenth = log(1.1)
    return Elasticity(*(exp(tenth * value) for value in (slope, slope - 1.96 * error, slope + 1.96 * error)))


def _score(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], group: npt.NDArray[np.int64], slope: float
) -> tuple[npt.NDArray[np.float64], float]:
    """The score of each group, and the information of all: of listings that are sold one after the other (Efron)."""
    weights = np.exp(slope * x)
    sales = np.bincount(group, weights=y)
    scores: npt.NDArray[np.float64] = np.bincount(group, weights=y * x).astype(float)
    information = 0.0
    for sold_before in range(int(sales.max())):
        open_still = sales > sold_before
        of_group = weights * (1 - y * sold_before / sales[group])  # which of them went first is not known
        total = np.bincount(group, weights=of_group)
        mean = np.bincount(group, weights=of_group * x) / total
        variance = np.bincount(group, weights=of_group * x * x) / total - mean**2
        scores = scores - np.where(open_still, mean, 0)
        information += float(variance[open_still].sum())
    return scores, information


def replace_elasticities(connection: Connection, today: date) -> int:
    """Replace `price_elasticities` by those of the last 28 days; how many scopes have a row."""
    values = {"today": today, "days": DAYS, "captures": CAPTURES}
    rows: list[tuple[Any, ...]] = connection.execute(_LISTINGS, values).fetchall()
    connection.execute("delete from price_elasticities")
    for scope in sorted({"all", *(row[2] for row in rows)}) if rows else []:
        of_scope = [row for row in rows if scope in ("all", row[2])]
        events, groups, _, prices, sold = zip(*of_scope, strict=True)
        found = conditional_odds(np.array(groups), np.array(events), np.array(prices), np.array(sold))
        sales = sum(sold)
        shown = found if sales >= FEWEST_SALES else None
        connection.execute(
            """insert into price_elasticities (scope, as_of, odds_ratio, low, high, verdict, sales, listings, events)
               values (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [
                *(scope, today, *((shown.odds_ratio, shown.low, shown.high) if shown else (None, None, None))),
                *(verdict_on(sales, found), sales, len(of_scope), len(set(events))),
            ],
        )
    return len({row[2] for row in rows}) + 1 if rows else 0
