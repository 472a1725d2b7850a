"""How the scraper fares, in figures of the tables: shares, latencies, classes. Judging them belongs in the checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tickettape.database import Connection

ANSWERED_STATUSES = ("received", "ok", "empty", "partial", "rejected")
"""Statuses of captures that brought an answer, whatever it then turned out to be."""


@dataclass(frozen=True)
class ScraperFigures:
    """What the captures of some ticks were. Latencies in milliseconds, of the requests that were answered."""

    asked: int
    answered: int
    by_status: dict[str, int]
    by_http_status: dict[str, int]
    latency_p50: float | None
    latency_p95: float | None
    latency_p99: float | None
    payload_bytes: int

    @property
    def success_rate(self) -> float | None:
        """The share of captures that brought an answer; None where there were none."""
        return self.answered / self.asked if self.asked else None


def scraper_figures(connection: Connection, source: str, ticks: Sequence[datetime]) -> ScraperFigures:
    """The figures of a marketplace's captures at these ticks; voided ones are counted as what they are."""
    row = connection.execute(
        """with taken as (
               select captures.* from market.captures inner join market.events using (event_key)
               where events.source = %(source)s and captures.tick = any(%(ticks)s)
           ),
           statuses as (select status, count(*) as captures from taken group by status),
           codes as (select coalesce(http_status::text, 'none') as code, count(*) as captures from taken group by 1),
           latencies as (
               select percentile_cont(array[0.5, 0.95, 0.99]) within group (order by latency_ms) as percentiles
               from taken where latency_ms is not null
           )
           select count(*), count(*) filter (where status = any(%(answered)s)),
               (select coalesce(jsonb_object_agg(status, captures), '{}') from statuses),
               (select coalesce(jsonb_object_agg(code, captures), '{}') from codes),
               (select percentiles from latencies), coalesce(sum(payload_bytes), 0)::bigint
           from taken""",
        {"source": source, "ticks": list(ticks), "answered": list(ANSWERED_STATUSES)},
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate without GROUP BY is one row
    asked, answered, by_status, by_http_status, percentiles, payload_bytes = row
    p50, p95, p99 = percentiles or (None, None, None)
    return ScraperFigures(asked, answered, by_status, by_http_status, p50, p95, p99, payload_bytes)


def answered_at_newest_tick(connection: Connection, source: str) -> tuple[datetime | None, int, int]:
    """A marketplace's newest tick, how many events were due then, and how many of them brought an answer to use."""
    row = connection.execute(
        """select captures.tick, count(*),
               count(*) filter (where captures.status in ('received', 'ok', 'empty', 'partial'))
           from market.captures inner join market.events on events.event_key = captures.event_key
           where events.source = %s
           group by captures.tick order by captures.tick desc limit 1""",
        [source],
    ).fetchone()
    return row or (None, 0, 0)
