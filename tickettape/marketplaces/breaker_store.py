"""Load and store the breaker of each marketplace: a row of market.breakers, which all its workers share.

`breaker` decides when it opens and closes.
"""

import logging
from datetime import UTC, datetime

from psycopg.rows import class_row

from tickettape.database import Connection
from tickettape.marketplaces.breaker import Breaker

log = logging.getLogger(__name__)


def load_breaker(connection: Connection, source: str) -> Breaker:
    """The breaker of a marketplace. It is closed if nothing was ever blocked."""
    with connection.cursor(row_factory=class_row(Breaker)) as cursor:
        found = cursor.execute(
            """select state, blocked_in_a_row, recent, openings, extract(epoch from opened_at)::float8 as opened_at,
                   extract(epoch from probe_at)::float8 as probe_at, reason
               from market.breakers where source = %s""",
            [source],
        ).fetchone()
    return found or Breaker()


def store_breaker(connection: Connection, source: str, breaker: Breaker, *, before: Breaker) -> None:
    """Store the breaker if it has changed. A new state is logged, here and in scraper_logs."""
    if breaker == before:
        return
    connection.execute(
        """insert into market.breakers
               (source, state, blocked_in_a_row, recent, openings, opened_at, probe_at, reason)
           values (%s, %s, %s, %s, %s, to_timestamp(%s), to_timestamp(%s), %s)
           on conflict (source) do update set
               state = excluded.state, blocked_in_a_row = excluded.blocked_in_a_row, recent = excluded.recent,
               openings = excluded.openings, opened_at = excluded.opened_at, probe_at = excluded.probe_at,
               reason = excluded.reason, updated_at = clock_timestamp()""",
        [
            source, breaker.state, breaker.blocked_in_a_row, breaker.recent, breaker.openings, breaker.opened_at,
            breaker.probe_at, breaker.reason,
        ],
    )  # fmt: skip
    if breaker.state != before.state:
        message = describe_breaker(source, breaker)
        log.warning("%s", message)
        connection.execute(
            "insert into market.scraper_logs (level, message) values (%s, %s)",
            ["WARNING" if breaker.state != "closed" else "INFO", message],
        )


def describe_breaker(source: str, breaker: Breaker) -> str:
    """What the breaker does now, for an operator."""
    if breaker.state == "closed":
        return f"The breaker of {source} is closed."
    if breaker.state == "probing":
        return f"The breaker of {source} is letting one request through, to see whether we are still blocked."
    probe_at = datetime.fromtimestamp(breaker.probe_at, UTC) if breaker.probe_at else None
    at = f"{probe_at:%Y-%m-%d %H:%M:%S} UTC" if probe_at else "the next request"
    return (
        f"The breaker of {source} is open until {at}: {breaker.reason}. Until then no requests are sent, and then "
        "only one at a time. Check whether the marketplace blocks this address or this USER_AGENT, and lower the "
        "request rate."
    )
