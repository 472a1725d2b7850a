"""The breaker of each marketplace, as all its workers see it. When it opens and closes belongs in `marketplaces`."""

import logging
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from tickettape.database import Connection

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """A marketplace's breaker. `recent` holds its last outcomes, "b" for a blocked one."""

    state: str = "closed"
    blocked_in_a_row: int = 0
    recent: str = ""
    openings: int = 0
    opened_at: datetime | None = None
    probe_at: datetime | None = None
    reason: str | None = None


def of(connection: Connection, source: str) -> Row:
    """The breaker of a marketplace; closed where nothing was ever blocked."""
    with connection.cursor(row_factory=class_row(Row)) as cursor:
        found = cursor.execute(
            """select state, blocked_in_a_row, recent, openings, opened_at, probe_at, reason
               from market.breakers where source = %s""",
            [source],
        ).fetchone()
    return found or Row()


def keep(connection: Connection, source: str, row: Row, *, before: Row) -> None:
    """Keep what changed; that it opened, is probed or closed is logged, here and in scraper_logs."""
    if row == before:
        return
    connection.execute(
        """insert into market.breakers
               (source, state, blocked_in_a_row, recent, openings, opened_at, probe_at, reason)
           values (%s, %s, %s, %s, %s, %s, %s, %s)
           on conflict (source) do update set
               state = excluded.state, blocked_in_a_row = excluded.blocked_in_a_row, recent = excluded.recent,
               openings = excluded.openings, opened_at = excluded.opened_at, probe_at = excluded.probe_at,
               reason = excluded.reason, updated_at = clock_timestamp()""",
        [
            source, row.state, row.blocked_in_a_row, row.recent, row.openings, row.opened_at, row.probe_at, row.reason,
        ],
    )  # fmt: skip
    if row.state != before.state:
        message = sentence(source, row)
        log.warning("%s", message)
        connection.execute(
            "insert into market.scraper_logs (level, message) values (%s, %s)",
            ["WARNING" if row.state != "closed" else "INFO", message],
        )


def sentence(source: str, row: Row) -> str:
    """What the breaker does now, for an operator."""
    if row.state == "closed":
        return f"The breaker of {source} is closed."
    at = f"{row.probe_at:%Y-%m-%d %H:%M:%S} UTC" if row.probe_at else "the next request"
    if row.state == "probing":
        return f"The breaker of {source} lets one request through, to see whether we are still blocked."
    return (
        f"The breaker of {source} is open until {at}: {row.reason}. Nothing is asked until then, and then one event "
        "at a time; see whether the marketplace blocks this address or this USER_AGENT, and ask it more slowly."
    )
