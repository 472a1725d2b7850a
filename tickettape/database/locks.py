"""Locks that a process holds while it works, and that its death frees."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
import stamina

from tickettape.database.connections import Connection

T = TypeVar("T")

LOCK_WAIT = "2s"  # for how long a maintenance step may hold up everybody else
LOCK_ATTEMPTS = 20  # some 8 minutes with the waits between


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
            f"{what} gave up after {LOCK_ATTEMPTS} tries: the table stayed in use ({error}). Nothing was changed; "
            "the next run tries again. See who holds it in pg_stat_activity."
        ) from error
    raise AssertionError("a retry ends by returning or raising")
