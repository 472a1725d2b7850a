"""Answers as they are captured, and stored."""

from datetime import datetime
from uuid import UUID

from tickettape.database import (
    Connection,
)
from tickettape.observations import (
    Capture,
    store_captures,
)


def answer(event_key: int, tick: datetime, body: bytes | None = b"{}") -> Capture:
    return Capture(event_key, tick, "received" if body else "failed", fetched_at=tick, note=None, answer=body)


def store(connection: Connection, *captured: Capture) -> int:
    with connection.transaction():
        return store_captures(connection, captured, UUID(int=0))
