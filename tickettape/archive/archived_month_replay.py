"""What came for a month while it was closed or archived: read again, once, when the month is back."""

from datetime import date

import msgspec
import pandas as pd

from tickettape.archive.month_manifest import RENAMED
from tickettape.database import Connection, ensure_partitions, month_bounds
from tickettape.marketplaces import Marketplace
from tickettape.observations import (
    SNAPSHOT_COLUMNS,
    AnswerVerdict,
    Capture,
    HeldForMonth,
    PriceRange,
    PriceRangeError,
    held_ticks,
    is_voided,
    lock_held,
    lock_held_price_ranges,
    read_tick,
    record_replayed,
    replace_snapshots,
    store_captures,
    store_price_ranges,
)


class _Rows(msgspec.Struct):
    captures: list[Capture] = []
    verdict: AnswerVerdict | None = None
    snapshots: list[dict[str, int | None]] = []


class _PriceRanges(msgspec.Struct):
    price_ranges: list[PriceRange]


def ticks_waiting_for_month(connection: Connection, marketplace: Marketplace, month: date) -> int:
    """Ticks of a month that something waits for in quarantine; an event's price ranges count as one."""
    with connection.transaction():
        ranges = lock_held_price_ranges(connection, month)
    return len(held_ticks(connection, marketplace.source, month)) + len(ranges)


def replay_archived_month(
    connection: Connection, marketplace: Marketplace, month: date, tolerance: float, run_id: str
) -> int:
    """Store and read what waits for a month, each tick in one transaction; how much was replayed.

    A capture that stands is not overwritten, as ever; the rollups' marks come from the rows themselves. Price ranges
    are of any source, as nobody need be asked to read them.
    """
    replayed = _replay_price_ranges(connection, month)
    for tick in held_ticks(connection, marketplace.source, month):
        ensure_partitions(connection, [tick])
        with connection.transaction():
            held = lock_held(connection, marketplace.source, tick)
            for one in held:
                _store(connection, one)
                record_replayed(connection, one.quarantine_id)
            read_tick(connection, marketplace, tick, tolerance, run_id, only_received=True)
            replayed += len(held)
    return replayed


def _read_rows(payload: bytes) -> _Rows:
    """Rows as they were held, by the names that columns have now."""
    held = msgspec.json.decode(payload)
    if held.get("verdict"):
        held["verdict"] = {RENAMED.get(name, name): value for name, value in held["verdict"].items()}
    return msgspec.convert(held, _Rows)


def _replay_price_ranges(connection: Connection, month: date) -> int:
    replayed = 0
    ensure_partitions(connection, month_bounds(month)[:1], answers=False)
    with connection.transaction():
        for one in lock_held_price_ranges(connection, month):
            ranges = msgspec.json.decode(one.payload, type=_PriceRanges).price_ranges
            try:
                refused = store_price_ranges(connection, ranges)["refused"]
            except PriceRangeError:  # its event has another currency since: one such must not keep a month's others
                continue
            if not refused:  # else it is held as before
                record_replayed(connection, one.quarantine_id)
                replayed += 1
    return replayed


def _store(connection: Connection, held: HeldForMonth) -> None:
    if held.content == "answer":
        answered = Capture(held.event_key, held.tick, "received", answer=held.payload)
        store_captures(connection, [answered], job_id=None)
        return
    rows = _read_rows(held.payload)
    store_captures(connection, rows.captures, job_id=None)
    if rows.verdict is not None and not is_voided(connection, held.event_key, held.tick):
        store_captures(connection, [Capture(held.event_key, held.tick, "received")], job_id=None)
        frame = pd.DataFrame(
            rows.snapshots, columns=[name for name in SNAPSHOT_COLUMNS if name != "tick"], dtype="Int64"
        )
        replace_snapshots(connection, held.tick, [rows.verdict], frame)
