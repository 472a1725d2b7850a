"""Locks that a process holds while it works, and that its death frees."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import psycopg
import stamina

from tickettape.database.connections import Connection

T = TypeVar("T")

LOOK_AGAIN_SECONDS = 0.25
LONGEST_YIELD = timedelta(minutes=5)  # a live tick reads and rolls up in half a minute
LOCK_WAIT = "2s"  # for how long a maintenance step may hold up everybody else
LOCK_ATTEMPTS = 20  # some 8 minutes with the waits between

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


class BusyError(Exception):
    """A table stayed in use for longer than a maintenance step may make others wait."""


def with_short_lock_waits(connection: Connection, step: Callable[[], T], what: str) -> T:
    """Run `step` in a transaction of its own whose waits for locks are short, again and again up to a limit.

    While a step waits for an exclusive lock, everybody who comes after it waits too: so it gives up soon, lets
    them pass, and tries again. Raises BusyError at the limit, with nothing done.
    """
    try:
        for attempt in stamina.retry_context(
            on=(psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected),
            attempts=LOCK_ATTEMPTS,
            timeout=None,
            wait_initial=1.0,
            wait_max=30.0,
        ):
            with attempt, connection.transaction():
                connection.execute("select set_config('lock_timeout', %s, true)", [LOCK_WAIT])
                return step()
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        raise BusyError(
            f"{what} gave up after {LOCK_ATTEMPTS} tries, because the table stayed in use ({error}). Nothing was "
            "changed, and the next run tries again. See pg_stat_activity for who holds it."
        ) from error
    raise AssertionError("a retry ends by returning or raising")
