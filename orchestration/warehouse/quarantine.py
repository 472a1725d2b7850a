"""Quarantine: what was refused, with its reason and its payload, so that nothing is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import zstandard
from psycopg.rows import class_row

from orchestration.warehouse import Connection

MAX_PAYLOAD_BYTES = 256 * 2**20  # what a payload may unpack to


def put(
    connection: Connection,
    *,
    source: str,
    external_id: str | None,
    tick: datetime | None,
    reason: str,
    payload: bytes | None,
    run_id: str | None,
) -> None:
    """Keep what was refused. The same refusal of the same event and tick is kept once."""
    connection.execute(
        """insert into market.quarantine (source, external_id, tick, reason, payload_zstd, run_id)
           select %(source)s, %(external_id)s, %(tick)s, %(reason)s, %(payload)s, %(run_id)s
           where not exists (
               select from market.quarantine
               where source = %(source)s and external_id is not distinct from %(external_id)s
                   and tick is not distinct from %(tick)s and reason = %(reason)s and replayed_at is null)""",
        {
            "source": source,
            "external_id": external_id,
            "tick": tick,
            "reason": reason,
            "payload": zstandard.ZstdCompressor().compress(payload) if payload is not None else None,
            "run_id": run_id,
        },
    )


@dataclass(frozen=True)
class Held:
    """What came for a month that takes no rows: an answer, or (JSON) the rows that were to be stored."""

    quarantine_id: int
    event_key: int
    tick: datetime
    content: str
    payload_zstd: bytes

    @property
    def payload(self) -> bytes:
        """The answer, or the rows as JSON."""
        return zstandard.ZstdDecompressor().decompress(self.payload_zstd, max_output_size=MAX_PAYLOAD_BYTES)


def hold(
    connection: Connection,
    event_key: int,
    tick: datetime,
    month: date,
    reason: str,
    *,
    answer: bytes | None = None,
    rows: Mapping[str, Any] | None = None,
) -> None:
    """Keep what came for a month that takes no rows until the month is back. The same is kept once.

    `answer`: the marketplace's own; where there is none, `rows`: what was to be stored.
    """
    payload = answer if answer is not None else msgspec.json.encode(rows)
    connection.execute(
        """insert into market.quarantine (source, external_id, tick, reason, payload_zstd, held_for, content)
           select events.source, events.external_id, %(tick)s, %(reason)s, %(payload)s, %(month)s, %(content)s
           from market.events
           where event_key = %(event_key)s and not exists (
               select from market.quarantine as held
               where held.held_for = %(month)s and held.tick = %(tick)s and held.source = events.source
                   and held.external_id = events.external_id and held.payload_zstd = %(payload)s
                   and held.replayed_at is null)""",
        {
            "event_key": event_key,
            "tick": tick,
            "month": month,
            "reason": reason,
            "payload": zstandard.ZstdCompressor().compress(payload),
            "content": "answer" if answer is not None else "rows",
        },
    )


def held_ticks(connection: Connection, source: str, month: date) -> list[datetime]:
    """The ticks of a month that something of a marketplace waits for, oldest first."""
    rows = connection.execute(
        """select distinct tick from market.quarantine
           where held_for = %s and source = %s and replayed_at is null order by tick""",
        [month, source],
    ).fetchall()
    return [tick for (tick,) in rows]


def lock_held(connection: Connection, source: str, tick: datetime) -> list[Held]:
    """What waits for a tick, in the order it came, locked until the caller's transaction ends."""
    with connection.cursor(row_factory=class_row(Held)) as cursor:
        return cursor.execute(
            """select quarantine_id, event_key, tick, content, payload_zstd
               from market.quarantine as held inner join market.events using (source, external_id)
               where tick = %s and source = %s and held_for is not null and replayed_at is null
               order by quarantine_id for update of held""",
            [tick, source],
        ).fetchall()


def note_replayed(connection: Connection, quarantine_id: int) -> None:
    """Remember that something was replayed, in the transaction that did it: once is enough."""
    connection.execute("update market.quarantine set replayed_at = now() where quarantine_id = %s", [quarantine_id])
