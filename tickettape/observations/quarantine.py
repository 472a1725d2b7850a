"""Quarantine: what was refused, with its reason and its payload, so that nothing is lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from psycopg.rows import class_row

from tickettape.database import Connection
from tickettape.observations.payloads import compress_payload, decompress_payload


def quarantine_refused(
    connection: Connection,
    *,
    source: str,
    external_id: str | None,
    tick: datetime | None,
    reason: str,
    payload: bytes | None,
    run_id: str | None,
) -> None:
    """Keep what was refused. The same payload of the same event and tick is kept once, with the newest reason.

    A refusal without a tick (a page of the catalogue, asked again anyway) is kept once for its reason.
    """
    connection.execute(
        """with known as (
               update market.quarantine set reason = %(reason)s, run_id = %(run_id)s
               where source = %(source)s and external_id is not distinct from %(external_id)s
                   and tick is not distinct from %(tick)s and replayed_at is null and held_for is null
                   and case when tick is null then reason = %(reason)s
                            else payload_zstd is not distinct from %(payload)s end
               returning quarantine_id
           )
           insert into market.quarantine (source, external_id, tick, reason, payload_zstd, run_id)
           select %(source)s, %(external_id)s, %(tick)s::timestamptz, %(reason)s, %(payload)s::bytea, %(run_id)s
           where not exists (select from known)""",
        {
            "source": source,
            "external_id": external_id,
            "tick": tick,
            "reason": reason,
            "payload": compress_payload(payload) if payload is not None else None,
            "run_id": run_id,
        },
    )


def settle_refusals(connection: Connection, source: str, tick: datetime, external_ids: Sequence[str]) -> int:
    """Close the refusals of a tick whose answers could be read after all, in the transaction that read them.

    What is held for a month, and what an import refused, comes back on ways of its own.
    """
    done = connection.execute(
        """update market.quarantine set replayed_at = now()
           where source = %s and tick = %s and external_id = any(%s)
               and replayed_at is null and held_for is null and content = 'answer'""",
        [source, tick, list(external_ids)],
    )
    return done.rowcount


@dataclass(frozen=True)
class Refusal:
    """A row of the quarantine, without its payload. `event_key`: None where no event of that id is known."""

    quarantine_id: int
    source: str
    external_id: str | None
    tick: datetime | None
    reason: str
    run_id: str | None
    created_at: datetime
    replayed_at: datetime | None
    held_for: date | None
    content: str
    payload_bytes: int | None
    event_key: int | None


_REFUSALS = """select quarantine_id, source, external_id, tick, reason, run_id, refused.created_at, replayed_at,
        held_for, content, octet_length(payload_zstd) as payload_bytes, event_key
    from market.quarantine as refused left join market.events using (source, external_id)"""


def list_refusals(
    connection: Connection,
    *,
    source: str | None = None,
    only_ids: Sequence[int] | None = None,
    replayed_too: bool = False,
    most: int | None = None,
) -> list[Refusal]:
    """What is in quarantine, newest first."""
    with connection.cursor(row_factory=class_row(Refusal)) as cursor:
        return cursor.execute(
            f"""{_REFUSALS}
                where (%(replayed_too)s or replayed_at is null) and (%(source)s::text is null or source = %(source)s)
                    and (%(only_ids)s::bigint[] is null or quarantine_id = any(%(only_ids)s))
                order by quarantine_id desc limit %(most)s""",
            {
                "source": source,
                "only_ids": list(only_ids) if only_ids is not None else None,
                "replayed_too": replayed_too,
                "most": most,
            },
        ).fetchall()


def count_quarantined(connection: Connection, source: str) -> dict[str, int]:
    """How much of a marketplace waits in quarantine: answers refused, and what is held for a month."""
    rows = connection.execute(
        """select case when held_for is not null then 'held for a month' else content || ' refused' end, count(*)
           from market.quarantine where source = %s and replayed_at is null group by 1 order by 1""",
        [source],
    ).fetchall()
    return {str(what): int(count) for what, count in rows}


def refused_payload(connection: Connection, quarantine_id: int) -> bytes | None:
    """What was refused, as it came."""
    row = connection.execute(
        "select payload_zstd from market.quarantine where quarantine_id = %s", [quarantine_id]
    ).fetchone()
    return decompress_payload(row[0]) if row and row[0] is not None else None


def lock_unreplayed_payload(connection: Connection, quarantine_id: int) -> bytes | None:
    """What was refused, its row locked until the caller's transaction ends; None where it was replayed meanwhile."""
    row = connection.execute(
        """select payload_zstd from market.quarantine
           where quarantine_id = %s and replayed_at is null and payload_zstd is not null for update""",
        [quarantine_id],
    ).fetchone()
    return decompress_payload(row[0]) if row else None


@dataclass(frozen=True)
class HeldForMonth:
    """What came for a month that takes no rows: an answer, or (JSON) the rows that were to be stored."""

    quarantine_id: int
    event_key: int
    tick: datetime
    content: str
    payload_zstd: bytes

    @property
    def payload(self) -> bytes:
        """The answer, or the rows as JSON."""
        return decompress_payload(self.payload_zstd)


def hold_for_month(
    connection: Connection,
    event_key: int,
    tick: datetime,
    month: date,
    reason: str,
    *,
    answer: bytes | None = None,
    rows: Mapping[str, Any] | None = None,
    content: Literal["rows", "price_ranges"] = "rows",
) -> None:
    """Keep what came for a month that takes no rows until the month is back. The same is kept once.

    `answer`: the marketplace's own; where there is none, `rows`: what was to be stored, and `content`: what it is.
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
            "payload": compress_payload(payload),
            "content": "answer" if answer is not None else content,
        },
    )


def held_ticks(connection: Connection, source: str, month: date) -> list[datetime]:
    """The ticks of a month that captures of a marketplace wait for, oldest first."""
    rows = connection.execute(
        """select distinct tick from market.quarantine
           where held_for = %s and source = %s and replayed_at is null and content != 'price_ranges' order by tick""",
        [month, source],
    ).fetchall()
    return [tick for (tick,) in rows]


def lock_held(connection: Connection, source: str, tick: datetime) -> list[HeldForMonth]:
    """The captures that wait for a tick, in the order they came, locked until the caller's transaction ends."""
    with connection.cursor(row_factory=class_row(HeldForMonth)) as cursor:
        return cursor.execute(
            """select quarantine_id, event_key, tick, content, payload_zstd
               from market.quarantine as held inner join market.events using (source, external_id)
               where tick = %s and source = %s and held_for is not null and replayed_at is null
                   and content != 'price_ranges'
               order by quarantine_id for update of held""",
            [tick, source],
        ).fetchall()


def lock_held_price_ranges(connection: Connection, month: date) -> list[HeldForMonth]:
    """The price ranges of any source that wait for a month, in the order they came, locked likewise."""
    with connection.cursor(row_factory=class_row(HeldForMonth)) as cursor:
        return cursor.execute(
            """select quarantine_id, event_key, tick, content, payload_zstd
               from market.quarantine as held inner join market.events using (source, external_id)
               where held_for = %s and content = 'price_ranges' and replayed_at is null
               order by quarantine_id for update of held""",
            [month],
        ).fetchall()


def record_replayed(connection: Connection, quarantine_id: int) -> None:
    """Remember that something was replayed, in the transaction that did it: once is enough."""
    connection.execute("update market.quarantine set replayed_at = now() where quarantine_id = %s", [quarantine_id])


def delete_replayed_before(connection: Connection, before: datetime) -> int:
    """Delete what was replayed before; what was not is kept for ever. How many rows."""
    return connection.execute("delete from market.quarantine where replayed_at < %s", [before]).rowcount
