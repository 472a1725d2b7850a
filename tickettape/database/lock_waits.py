"""Wait only shortly for locks, try again, and report who holds them.

A statement that waits for an exclusive lock also blocks everybody who comes after it.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")
Waiting = psycopg.Connection[Any]

LOCK_WAIT_SECONDS = 2.0  # how long a maintenance step may block everybody else
LOCK_ATTEMPTS = 20  # some 8 minutes with the pauses between
LONGEST_PAUSE_SECONDS = 30.0
SAY_AGAIN_SECONDS = 60.0
STATEMENT_CHARACTERS = 200  # the most of a holder's statement in a message

log = logging.getLogger(__name__)


class BusyError(Exception):
    """A maintenance step gave up, because a table stayed in use."""


def with_short_lock_waits(connection: Waiting, step: Callable[[], T], what: str, *, attempts: int | None = None) -> T:
    """Run `step` in its own transaction with short waits for locks. Try again until it gets them.

    After the last attempt it raises BusyError, which names the holder of the lock. Nothing is done then.
    """

    def attempt() -> T:
        with connection.transaction():
            shorten_lock_waits(connection)
            return step()

    return retry_lock_waits(connection, attempt, what, attempts=attempts)


def shorten_lock_waits(connection: Waiting) -> None:
    """Make the rest of the transaction wait only shortly for each lock."""
    connection.execute("select set_config('lock_timeout', %s, true)", [f"{LOCK_WAIT_SECONDS * 1000:.0f}ms"])


def retry_lock_waits(connection: Waiting, attempt: Callable[[], T], what: str, *, attempts: int | None = None) -> T:
    """Call `attempt`, a transaction on `connection` with short waits for locks, until it gets them.

    Raises BusyError after `attempts` failures.
    """
    attempts = attempts or LOCK_ATTEMPTS
    for number in range(1, attempts + 1):
        try:
            with watch_lock_holders(connection, after=LOCK_WAIT_SECONDS / 2) as holders:
                return attempt()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            held = _held_by(holders, error)
            if number == attempts:
                raise BusyError(
                    f"{what} gave up after {attempts} tries, because the table stayed in use. {held} Nothing was "
                    "changed, and the next run tries again."
                ) from error
        log.warning("%s waits for a lock. %s", what, held)
        time.sleep(min(LONGEST_PAUSE_SECONDS, 2.0 ** (number - 1)) * random.uniform(0.5, 1.5))  # noqa: S311
    raise AssertionError("a retry ends by returning or raising")


def _held_by(holders: list[str], error: psycopg.Error) -> str:
    return " ".join(holders) or f"Who holds the lock could not be seen ({error.diag.message_primary})."


@contextmanager
def watch_lock_holders(
    waiting: Waiting, *, after: float, say: Callable[[str], None] | None = None
) -> Iterator[list[str]]:
    """Find out who holds a lock for which `waiting` waits in the block, if that takes longer than `after` seconds.

    Yields a list that always holds the newest sentences about the holders. `say` gets them at once, then each minute.
    """
    holders: list[str] = []
    done = threading.Event()
    dsn, password, pid = waiting.info.dsn, waiting.info.password, waiting.info.backend_pid

    def look() -> None:
        pause = after
        while not done.wait(pause):
            pause = SAY_AGAIN_SECONDS
            with (
                suppress(psycopg.Error),
                psycopg.connect(dsn, password=password or None, autocommit=True, connect_timeout=2) as connection,
            ):
                found = lock_holders(connection, pid)
                if found:
                    holders[:] = found
                    if say:
                        say(" ".join(found))

    thread = threading.Thread(target=look, name="lock holders", daemon=True)
    thread.start()
    try:
        yield holders
    finally:
        done.set()
        thread.join()


def lock_holders(connection: Waiting, waiting_pid: int) -> list[str]:
    """The processes that keep a server process waiting for a lock, a sentence each; empty if it does not wait.

    A holder that waits for another lock itself is replaced by the holder of that lock.
    """
    rows = connection.execute(
        """with recursive held as (
               select unnest(pg_blocking_pids(%s)) as pid
               union
               select unnest(pg_blocking_pids(held.pid)) from held
           )

           select
               held.pid, usename, nullif(application_name, ''), state,
               to_char(coalesce(xact_start, backend_start) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'),
               left(regexp_replace(query, '\\s+', ' ', 'g'), %s)
           from held left join pg_stat_activity using (pid)
           where cardinality(pg_blocking_pids(held.pid)) = 0 order by xact_start""",
        [waiting_pid, STATEMENT_CHARACTERS],
    ).fetchall()
    return [_sentence(*row) for row in rows]


def _sentence(
    pid: int, user: str | None, program: str | None, state: str | None, since: str | None, statement: str | None
) -> str:
    if pid == 0:
        return "A prepared transaction holds it: pg_prepared_xacts lists them, and ROLLBACK PREPARED ends one."
    doing = ", ".join(filter(None, [program, f"{state or 'busy'} since {since}" if since else state]))
    about = f" ({doing})" if doing else ""
    return (
        f"Process {pid} of user {user or 'unknown'}{about} holds it; its last statement: {statement or 'unknown'}. "
        f"End its transaction, or run: select pg_terminate_backend({pid})"
    )
