"""Advisory locks that a process holds while it works. If it dies, they are freed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from tickettape.database.connections import Connection

LOOK_AGAIN_SECONDS = 0.25
LONGEST_YIELD = timedelta(minutes=5)  # a live tick reads and rolls up in half a minute

_LIVE_WORK = "live work"


@contextmanager
def try_lock(connection: Connection, name: str) -> Iterator[bool]:
    """Hold the lock `name` for the block, without waiting. Yields False if another connection holds it."""
    row = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchone()
    held = bool(row and row[0])
    try:
        yield held
    finally:
        if held and not connection.closed:
            connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [name])


@contextmanager
def wait_for_lock(connection: Connection, name: str, *, at_most: timedelta) -> Iterator[bool]:
    """Wait for the lock `name` and hold it for the block. Yields False if another held it for longer than `at_most`."""
    until = time.monotonic() + at_most.total_seconds()
    while True:
        with try_lock(connection, name) as held:
            if held or time.monotonic() > until:
                yield held
                return
        time.sleep(LOOK_AGAIN_SECONDS)


@contextmanager
def live_work(connection: Connection) -> Iterator[None]:
    """Do a part of a live tick in the block. Background work pauses meanwhile (`yield_to_live_work`)."""
    connection.execute("select pg_advisory_lock_shared(hashtextextended(%s, 0))", [_LIVE_WORK])
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock_shared(hashtextextended(%s, 0))", [_LIVE_WORK])


def yield_to_live_work(connection: Connection, *, at_most: timedelta = LONGEST_YIELD) -> float:
    """Call this between two pieces of background work: it waits while a live tick works. Returns the seconds waited.

    The wait is bounded, so that live ticks without a pause between them cannot stop a backfill for ever.
    """
    started = time.monotonic()
    with wait_for_lock(connection, _LIVE_WORK, at_most=at_most):
        return time.monotonic() - started
