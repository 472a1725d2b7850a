"""Locks that a process holds while it works, and that its death frees."""

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
    """Hold the lock `name` for the block, without waiting: False where another connection holds it."""
    row = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchone()
    held = bool(row and row[0])
    try:
        yield held
    finally:
        if held and not connection.closed:
            connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [name])


@contextmanager
def wait_for_lock(connection: Connection, name: str, *, at_most: timedelta) -> Iterator[bool]:
    """Hold the lock `name` for the block, after waiting for it: False where another held it for longer than that."""
    until = time.monotonic() + at_most.total_seconds()
    while True:
        with try_lock(connection, name) as held:
            if held or time.monotonic() > until:
                yield held
                return
        time.sleep(LOOK_AGAIN_SECONDS)


@contextmanager
def live_work(connection: Connection) -> Iterator[None]:
    """Do a part of a live tick in the block: what can wait does so meanwhile (`yield_to_live_work`)."""
    connection.execute("select pg_advisory_lock_shared(hashtextextended(%s, 0))", [_LIVE_WORK])
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock_shared(hashtextextended(%s, 0))", [_LIVE_WORK])


def yield_to_live_work(connection: Connection, *, at_most: timedelta = LONGEST_YIELD) -> float:
    """Wait while a live tick works, between two pieces of what can wait; for how many seconds.

    Bounded, so that live ticks without a pause between them do not stop a backfill for good.
    """
    started = time.monotonic()
    with wait_for_lock(connection, _LIVE_WORK, at_most=at_most):
        return time.monotonic() - started
