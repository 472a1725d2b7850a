"""Section snapshots: the metrics of one tick's answers, stored with the verdict on each answer.

A capture becomes `ok`, `empty` or `partial` only in the transaction that stores its snapshots, so a step
that dies in between never looks like a market that sold out.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

import pandas as pd
from psycopg import sql

from tickettape.database import Connection, month_of, month_refusals
from tickettape.observations.packed_days import unpack_days
from tickettape.observations.quarantine import hold_for_month

SNAPSHOT_COLUMNS = [
    "event_key",
    "tick",
    "section_key",
    "lowest_price_cents",
    "highest_price_cents",
    "price_sum_cents",
    "lowest_price_1ticket_cents",
    "lowest_price_2tickets_cents",
    "lowest_price_4tickets_cents",
    "lowest_all_in_price_cents",
    "total_tickets",
    "total_listings",
]

ROWS_AT_ONCE = 1_000  # rows written as text while the server stores the ones before: 0.25 s for 60,000 instead of 0.40


@dataclass(frozen=True)
class AnswerVerdict:
    """What an answer turned out to be: its status and its own totals beside what was counted."""

    event_key: int
    status: str
    note: str | None = None
    stated_listings: int | None = None
    stated_tickets: int | None = None
    counted_listings: int | None = None
    counted_tickets: int | None = None
    stated_zone_tickets: int | None = None
    stated_section_tickets: int | None = None
    left_out_listings: int | None = None


def replace_snapshots(
    connection: Connection, tick: datetime, verdicts: Sequence[AnswerVerdict], snapshots: pd.DataFrame
) -> bool:
    """Store the snapshots of the judged events at a tick in place of any they had, with the verdicts.

    `snapshots`: SNAPSHOT_COLUMNS without `tick`, whole numbers. Runs in the caller's transaction, which must hold the
    captures' locks (`captures.lock_answers`). False if the tick's month takes no rows: they are held in quarantine
    until it is back.
    """
    for month, reason in month_refusals(connection, [tick]).items():
        _hold(connection, tick, month, reason, verdicts, snapshots)
        return False
    event_keys = [verdict.event_key for verdict in verdicts]
    unpack_days(connection, event_keys, [tick] * len(event_keys))
    # whatever the statuses of their captures: rows that somebody left by hand must not fail a whole tick
    connection.execute(
        "delete from market.section_snapshots where tick = %s and event_key = any(%s)", [tick, event_keys]
    )
    # straight into the tick's partition: finding it anew for each row took a sixth of the time
    copy_snapshots(connection, snapshots.assign(tick=tick.isoformat()), f"section_snapshots_{month_of(tick):%Y_%m}")
    connection.execute(
        """update market.captures set
               status = verdict.status, note = verdict.note, stated_listings = verdict.stated_listings,
               stated_tickets = verdict.stated_tickets, counted_listings = verdict.counted_listings,
               counted_tickets = verdict.counted_tickets,
               stated_zone_tickets = verdict.stated_zone_tickets,
               stated_section_tickets = verdict.stated_section_tickets,
               left_out_listings = verdict.left_out_listings
           from unnest(%s::int[], %s::text[], %s::text[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[],
                       %s::int[], %s::int[])
               as verdict (event_key, status, note, stated_listings, stated_tickets, counted_listings,
                           counted_tickets, stated_zone_tickets, stated_section_tickets, left_out_listings)
           where captures.event_key = verdict.event_key and captures.tick = %s""",
        [
            event_keys,
            [verdict.status for verdict in verdicts],
            [verdict.note for verdict in verdicts],
            [verdict.stated_listings for verdict in verdicts],
            [verdict.stated_tickets for verdict in verdicts],
            [verdict.counted_listings for verdict in verdicts],
            [verdict.counted_tickets for verdict in verdicts],
            [verdict.stated_zone_tickets for verdict in verdicts],
            [verdict.stated_section_tickets for verdict in verdicts],
            [verdict.left_out_listings for verdict in verdicts],
            tick,
        ],
    )
    connection.execute(
        """update market.events set last_scraped = captures.fetched_at
           from market.captures
           where captures.event_key = events.event_key and captures.tick = %s and events.event_key = any(%s)
               and captures.status in ('ok', 'empty', 'partial')
               and captures.fetched_at > coalesce(events.last_scraped, '-infinity')""",
        [tick, event_keys],
    )
    return True


def _hold(
    connection: Connection,
    tick: datetime,
    month: date,
    reason: str,
    verdicts: Sequence[AnswerVerdict],
    snapshots: pd.DataFrame,
) -> None:
    by_event: dict[int, list[dict[str, int | None]]] = {}
    for row in snapshots[[column for column in SNAPSHOT_COLUMNS if column != "tick"]].to_dict("records"):
        values = {str(name): None if pd.isna(value) else int(value) for name, value in row.items()}
        by_event.setdefault(int(row["event_key"]), []).append(values)
    for verdict in verdicts:
        hold_for_month(
            connection,
            verdict.event_key,
            tick,
            month,
            reason,
            rows={"verdict": asdict(verdict), "snapshots": by_event.get(verdict.event_key, [])},
        )


def copy_snapshots(connection: Connection, rows: pd.DataFrame, table: str = "section_snapshots") -> None:
    """COPY rows (SNAPSHOT_COLUMNS) into a table of schema market, in key order: the index grows at its edges."""
    if rows.empty:
        return
    ordered = rows[SNAPSHOT_COLUMNS].sort_values(["event_key", "section_key"], kind="stable")
    copy = sql.SQL("copy {} ({}) from stdin (format csv)").format(
        sql.Identifier("market", table), sql.SQL(", ").join(map(sql.Identifier, SNAPSHOT_COLUMNS))
    )
    with connection.cursor() as cursor, cursor.copy(copy) as stream:
        for first in range(0, len(ordered), ROWS_AT_ONCE):
            stream.write(ordered[first : first + ROWS_AT_ONCE].to_csv(index=False, header=False))
