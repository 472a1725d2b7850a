"""The request counts of the HTTP service by minute: its processes store them, checks and /metrics read them.

Each process adds its counts to the minute's row, so the rows hold the totals of all processes. Old minutes are added up
in one row per route, because the totals of Prometheus' counters must never shrink.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

from tickettape.database import Connection

LATENCY_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)  # seconds; a last count is for longer ones
SLOW_SECONDS = 1.0  # the required bound of an analytics query
DATABASE_ROUTE = "database"  # slow statements are counted under this name, because a statement has no route
SERVICE_MINUTES_KEPT = timedelta(days=30)

ADD_SERVICE_MINUTES: LiteralString = """
    insert into market.service_minutes as known (
        minute, route, requests, refused, errors, slow_statements, seconds, latency_counts)
    values (%(minute)s, %(route)s, %(requests)s, %(refused)s, %(errors)s, %(slow_statements)s, %(seconds)s,
        %(latency_counts)s)
    on conflict (minute, route) do update set
        requests = known.requests + excluded.requests,
        refused = known.refused + excluded.refused,
        errors = known.errors + excluded.errors,
        slow_statements = known.slow_statements + excluded.slow_statements,
        seconds = known.seconds + excluded.seconds,
        latency_counts = array(
            select a + b from unnest(known.latency_counts, excluded.latency_counts)
                with ordinality as counts (a, b, place) order by place)"""
SERVICE_TOTALS: LiteralString = """
    select route, sum(requests)::bigint, sum(refused)::bigint, sum(errors)::bigint, sum(slow_statements)::bigint,
        sum(seconds), array(
            select sum(counted)::bigint from market.service_minutes as each,
                unnest(each.latency_counts) with ordinality as counts (counted, place)
            where each.route = minutes.route and each.minute >= %(since)s group by place order by place)
    from market.service_minutes as minutes where minute >= %(since)s group by route order by route"""


@dataclass(frozen=True)
class RouteTotal:
    """The counts of one route in a span of time."""

    route: str
    requests: int
    refused: int
    errors: int
    slow_statements: int
    seconds: float
    latency_counts: Sequence[int]


def service_totals(connection: Connection, since: datetime) -> list[RouteTotal]:
    """The counts of each route since an instant."""
    return [RouteTotal(*row) for row in connection.execute(SERVICE_TOTALS, {"since": since})]


def latency_quantile(latency_counts: Sequence[int], share: float) -> float:
    """An upper bound of the latency's quantile `share`, in seconds: the bound of the bucket that it falls into."""
    wanted, seen = share * sum(latency_counts), 0
    for bound, counted in zip(LATENCY_BOUNDS, latency_counts, strict=False):
        seen += counted
        if seen >= wanted:
            return bound
    return float("inf")


def fold_service_minutes(connection: Connection, before: datetime) -> int:
    """Add up the minutes before an instant in one row per route, with minute -infinity. Returns how many there were."""
    with connection.transaction():
        old = connection.execute(
            "delete from market.service_minutes where minute < %s and isfinite(minute) returning *", [before]
        ).fetchall()
        for _, *row in old:
            names = ("route", "requests", "refused", "errors", "slow_statements", "seconds", "latency_counts")
            connection.execute(ADD_SERVICE_MINUTES, dict(zip(names, row, strict=True)) | {"minute": "-infinity"})
    return len(old)
