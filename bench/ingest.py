"""A tick of 60,000 rows stored as the program does it, against a COPY of the same rows into a bare table."""

from datetime import UTC, datetime
from uuid import UUID

import pandas as pd

from bench import market
from bench.report import figure, heading, in_turn, say, seconds
from tickettape.database import Connection, ensure_partitions
from tickettape.observations import AnswerVerdict, Capture, copy_snapshots, replace_snapshots, store_captures

EVENTS = 1000
TICK = datetime(2026, 11, 20, 12, tzinfo=UTC)


def run(connection: Connection, repetitions: int) -> bool:
    """Print the ratio of rows a second; whether it holds."""
    heading("Ingest of a tick of 60,000 rows")
    market.add_catalogue(connection, EVENTS)
    ensure_partitions(connection, [TICK])
    connection.execute("create table market.bare (like market.section_snapshots)")
    rows = _rows(connection)
    verdicts = [AnswerVerdict(int(event_key), "ok") for event_key in rows["event_key"].unique()]
    with connection.transaction():
        store_captures(connection, [Capture(v.event_key, TICK, "received") for v in verdicts], UUID(int=0))

    def stored() -> float:
        with connection.transaction(force_rollback=True):
            return seconds(lambda: replace_snapshots(connection, TICK, verdicts, rows))

    def bare() -> float:
        with connection.transaction(force_rollback=True):
            return seconds(lambda: copy_snapshots(connection, rows.assign(tick=TICK.isoformat()), "bare"))

    stored_seconds, bare_seconds = in_turn(stored, bare, repetitions)
    say(f"{len(rows):,} rows: {stored_seconds:.2f} s stored, {bare_seconds:.2f} s into a bare table")
    figure("rows a second, keys, marks and verdicts included", len(rows) / stored_seconds, "rows/s")
    return figure("ingest against a COPY into a bare table", bare_seconds / stored_seconds, "×", least=0.6)


def _rows(connection: Connection) -> pd.DataFrame:
    sections = connection.execute("select event_key, section_key from market.sections order by 1, 2").fetchall()
    rows = pd.DataFrame(sections, columns=["event_key", "section_key"])
    low = 5000 + rows["section_key"] * 37 % 9000
    return rows.assign(
        lowest_price_cents=low,
        highest_price_cents=low + 9000,
        price_sum_cents=low * 12,
        lowest_price_1ticket_cents=low.where(rows.index % 5 > 0).astype("Int64"),
        lowest_price_2tickets_cents=low,
        lowest_price_4tickets_cents=low.where(rows.index % 5 < 4).astype("Int64"),
        lowest_all_in_price_cents=low * 5 // 4,
        total_tickets=24,
        total_listings=8,
    )
