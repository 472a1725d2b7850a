"""Captures: one event observed at one tick, and the raw answer while it is kept."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from tickettape.database import Connection, month_of, month_refusals
from tickettape.observations.payloads import compress_payload, decompress_payload
from tickettape.observations.quarantine import hold_for_month

RETRIED_STATUSES = ("failed", "missed")
"""Statuses with which a run that resumes its tick polls the event again. Every other status stands."""


@dataclass(frozen=True)
class Capture:
    """What one event's marketplace answered at one tick, or why it did not."""

    event_key: int
    tick: datetime
    status: str
    http_status: int | None = None
    fetched_at: datetime | None = None
    latency_ms: int | None = None
    note: str | None = None
    answer: bytes | None = None
    kind: str | None = None
    """The class of the failure, if it tells more than the status; for the job's errors and the log."""
    stack_trace: str | None = None


@dataclass(frozen=True)
class StoredAnswer:
    """A raw answer as it was stored, with the present status of its capture."""

    event_key: int
    external_id: str
    status: str
    answer_zstd: bytes
    base_zstd: bytes | None = None
    """The answer that it was compressed against, if there is one."""

    @property
    def answer(self) -> bytes:
        """The answer itself, decompressed only when it is used, so that a tick's answers are never all in memory."""
        base = decompress_payload(self.base_zstd) if self.base_zstd is not None else None
        return decompress_payload(self.answer_zstd, base)


def captured_event_keys(connection: Connection, tick: datetime) -> set[int]:
    """The keys of the events that need not be polled again at a tick."""
    rows = connection.execute(
        "select event_key from market.captures where tick = %s and status != all(%s)", [tick, list(RETRIED_STATUSES)]
    ).fetchall()
    return {int(event_key) for (event_key,) in rows}


def store_captures(connection: Connection, captures: Sequence[Capture], job_id: UUID | None) -> int:
    """Store captures with their answers in the caller's transaction; returns how many went to quarantine instead.

    A stored capture is overwritten only if its status is one of RETRIED_STATUSES. A capture of a month that takes no
    rows is held in quarantine until the month is back.
    """
    refused = month_refusals(connection, {capture.tick for capture in captures})
    late = [capture for capture in captures if month_of(capture.tick) in refused]
    for capture in late:
        month = month_of(capture.tick)
        rows = None if capture.answer is not None else {"captures": [asdict(capture)]}
        hold_for_month(
            connection, capture.event_key, capture.tick, month, refused[month], answer=capture.answer, rows=rows
        )
    captures = [capture for capture in captures if month_of(capture.tick) not in refused]
    with connection.cursor() as cursor:
        cursor.executemany(
            """insert into market.captures as known
                   (event_key, tick, status, http_status, fetched_at, latency_ms, payload_bytes, note, job_id)
               values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
               on conflict (event_key, tick) do update set
                   status = excluded.status, http_status = excluded.http_status,
                   fetched_at = excluded.fetched_at, latency_ms = excluded.latency_ms,
                   payload_bytes = excluded.payload_bytes, note = excluded.note, job_id = excluded.job_id
               where known.status = any(%s)""",
            [
                (
                    capture.event_key, capture.tick, capture.status, capture.http_status, capture.fetched_at,
                    capture.latency_ms, len(capture.answer) if capture.answer is not None else None,
                    capture.note, job_id, list(RETRIED_STATUSES),
                )
                for capture in captures
            ],
        )  # fmt: skip
    _store_answers(connection, captures)
    return len(late)


def _store_answers(connection: Connection, captures: Sequence[Capture]) -> None:
    """Store raw answers, each compressed against the first one of its event in its hour, if there is one before it.

    That one is in the same partition, so both are dropped together.
    """
    answered = [capture for capture in captures if capture.answer is not None]
    bases = {
        (event_key, start): (tick, decompress_payload(answer_zstd))
        for start in {_hour(capture.tick) for capture in answered}
        for event_key, tick, answer_zstd in connection.execute(
            """select distinct on (event_key) event_key, tick, answer_zstd from market.capture_payloads
               where event_key = any(%s) and tick >= %s and tick < %s and base_tick is null
               order by event_key, tick""",
            [[capture.event_key for capture in answered], start, start + timedelta(hours=1)],
            binary=True,
        )
    }
    rows = []
    for capture in answered:
        assert capture.answer is not None  # noqa: S101  only these are left
        base_tick, base = bases.get((capture.event_key, _hour(capture.tick)), (None, None))
        rows.append((capture.event_key, capture.tick, base_tick, compress_payload(capture.answer, base)))
    with connection.cursor() as cursor:
        cursor.executemany(
            """insert into market.capture_payloads (event_key, tick, base_tick, answer_zstd) values (%s, %s, %s, %s)
               on conflict do nothing""",
            rows,
        )


def ticks_with_answers(
    connection: Connection,
    source: str,
    start: datetime,
    end: datetime,
    *,
    only_received: bool,
    event_key: int | None = None,
) -> list[datetime]:
    """The ticks in [start, end) with stored answers of a marketplace (`only_received`: unread ones), newest first."""
    table = "captures" if only_received else "capture_payloads"
    rows = connection.execute(
        f"""select distinct stored.tick from market.{table} as stored
            inner join market.events on events.event_key = stored.event_key and events.source = %(source)s
            where stored.tick >= %(start)s and stored.tick < %(end)s
                {
            '''and stored.status = 'received' and exists (
                   select from market.capture_payloads as kept
                   where kept.event_key = stored.event_key and kept.tick = stored.tick)'''
            if only_received
            else ""
        }
                and (%(event_key)s::integer is null or stored.event_key = %(event_key)s)
            order by stored.tick desc""",  # noqa: S608
        {"source": source, "start": start, "end": end, "event_key": event_key},
    ).fetchall()
    return [tick for (tick,) in rows]


def lock_answers(
    connection: Connection,
    source: str,
    tick: datetime,
    *,
    only_received: bool,
    event_key: int | None = None,
    voided_too: bool = False,
) -> list[StoredAnswer]:
    """A marketplace's stored answers of a tick (of one event), their captures locked until the transaction ends.

    Answers of other marketplaces are left to the programs that watch them: they may be in another format, and their
    events may have the same ids. Unread answers that another process has locked are left to that process. A voided
    capture stays void: its answer is only returned if `voided_too` asks for it.
    """
    to_read_again = "true" if voided_too else "captures.status != 'void'"
    wanted = "captures.status = 'received'" if only_received else to_read_again
    rows = connection.execute(
        f"""select captures.event_key, events.external_id, captures.status, payloads.answer_zstd, bases.answer_zstd
            from market.captures as captures
            inner join market.capture_payloads as payloads
                on payloads.event_key = captures.event_key and payloads.tick = captures.tick
            left join market.capture_payloads as bases
                on bases.event_key = payloads.event_key and bases.tick = payloads.base_tick
                and bases.tick >= %(hour)s and bases.tick < %(hour)s + interval '1 hour'
            inner join market.events as events on events.event_key = captures.event_key
            where captures.tick = %(tick)s and events.source = %(source)s and {wanted}
                and (%(event_key)s::integer is null or captures.event_key = %(event_key)s)
            order by captures.event_key
            for update of captures {"skip locked" if only_received else ""}""",  # noqa: S608
        {"source": source, "tick": tick, "hour": _hour(tick), "event_key": event_key},
        binary=True,
    ).fetchall()
    return [StoredAnswer(*row) for row in rows]


def lock_capture_status(connection: Connection, event_key: int, tick: datetime) -> str | None:
    """The status of a capture, which is locked until the caller's transaction ends; None if there is no capture."""
    row = connection.execute(
        "select status from market.captures where event_key = %s and tick = %s for update", [event_key, tick]
    ).fetchone()
    return str(row[0]) if row else None


def oldest_captured_tick(connection: Connection, source: str) -> datetime | None:
    """The oldest tick at which any event of a marketplace was captured or known to be missed."""
    return _captured_tick(connection, source, "min")


def newest_captured_tick(connection: Connection, source: str) -> datetime | None:
    """The newest tick at which any event of a marketplace was captured or known to be missed."""
    return _captured_tick(connection, source, "max")


def _captured_tick(connection: Connection, source: str, which: Literal["min", "max"]) -> datetime | None:
    row = connection.execute(
        f"""select {which}(captures.tick) from market.captures
            inner join market.events on events.event_key = captures.event_key
            where events.source = %s""",  # noqa: S608
        [source],
    ).fetchone()
    return row[0] if row else None


def _hour(tick: datetime) -> datetime:
    return tick.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
