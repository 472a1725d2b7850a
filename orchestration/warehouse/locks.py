"""Locks that a process holds while it works, and that its death frees."""

from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.warehouse import Connection


@contextmanager
def try_lock(connection: Connection, name: str) -> Iterator[bool]:
    """Hold the lock `name` for the block, without waiting: False where another connection holds it."""
    row = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchone()
    held = bool(row and row[0])
    try:
        yield held
    finally:
        if held and not connection.closed:
            connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [name])
