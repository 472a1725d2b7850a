"""What came for a month while it was closed or archived: read again, once, when the month is back."""

from datetime import date

import msgspec
import pandas as pd

from tickettape.database import Connection, partitions
from tickettape.marketplaces import Marketplace
from tickettape.observations import (
    captures,
    quarantine,
    voids,
)
from tickettape.observations import (
    section_snapshots as snapshots,
)
from tickettape.observations.captures import Capture
from tickettape.observations.quarantine import Held
from tickettape.observations.read_answers import read_tick
from tickettape.observations.section_snapshots import Verdict


class _Rows(msgspec.Struct):
    captures: list[Capture] = []
    verdict: Verdict | None = None
    snapshots: list[dict[str, int | None]] = []


def waiting(connection: Connection, marketplace: Marketplace, month: date) -> int:
    """Ticks of a month that something waits for in quarantine."""
    return len(quarantine.held_ticks(connection, marketplace.source, month))


def replay(connection: Connection, marketplace: Marketplace, month: date, tolerance: float, run_id: str) -> int:
    """Store and read what waits for a month, each tick in one transaction; how much was replayed.

    A capture that stands is not overwritten, as ever; the rollups' marks come from the rows themselves.
    """
    replayed = 0
    for tick in quarantine.held_ticks(connection, marketplace.source, month):
        partitions.ensure_partitions(connection, [tick])
        with connection.transaction():
            held = quarantine.lock_held(connection, marketplace.source, tick)
            for one in held:
                _store(connection, one)
                quarantine.note_replayed(connection, one.quarantine_id)
            read_tick(connection, marketplace, tick, tolerance, run_id, only_received=True)
            replayed += len(held)
    return replayed


def _store(connection: Connection, held: Held) -> None:
    if held.content == "answer":
        answered = Capture(held.event_key, held.tick, "received", answer=held.payload)
        captures.store(connection, [answered], job_id=None)
        return
    rows = msgspec.json.decode(held.payload, type=_Rows)
    captures.store(connection, rows.captures, job_id=None)
    if rows.verdict is not None and not voids.is_void(connection, held.event_key, held.tick):
        captures.store(connection, [Capture(held.event_key, held.tick, "received")], job_id=None)
        frame = pd.DataFrame(
            rows.snapshots, columns=[name for name in snapshots.COLUMNS if name != "tick"], dtype="Int64"
        )
        snapshots.replace(connection, held.tick, [rows.verdict], frame)
