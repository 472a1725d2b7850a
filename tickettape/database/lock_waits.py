"""Short waits for locks, and who holds them: what waits for an exclusive lock makes everybody after it wait too."""

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

LOCK_WAIT_SECONDS = 2.0  # for how long a maintenance step may hold up everybody else
LOCK_ATTEMPTS = 20  # some 8 minutes with the pauses between
LONGEST_PAUSE_SECONDS = 30.0
SAY_AGAIN_SECONDS = 60.0
STATEMENT_CHARACTERS = 200  # shown of a holder's statement

log = logging.getLogger(__name__)


class BusyError(Exception):
    """A table stayed in use for longer than a maintenance step may make others wait."""


def with_short_lock_waits(connection: Waiting, step: Callable[[], T], what: str, *, attempts: int | None = None) -> T:
    """Run `step` in a transaction of its own whose waits for locks are short, again and again up to a limit.

    Raises BusyError at the limit, with nothing done; it names who holds the lock.
    """

    def attempt() -> T:
        with connection.transaction():
            shorten_lock_waits(connection)
            return step()

    return retry_lock_waits(connection, attempt, what, attempts=attempts)


def shorten_lock_waits(connection: Waiting) -> None:
    """Let the rest of the transaction wait only shortly for each lock."""
    connection.execute("select set_config('lock_timeout', %s, true)", [f"{LOCK_WAIT_SECONDS * 1000:.0f}ms"])


def retry_lock_waits(connection: Waiting, attempt: Callable[[], T], what: str, *, attempts: int | None = None) -> T:
    """Call `attempt`, a transaction on `connection` with short waits for locks, until it gets them.

    Raises BusyError after so many attempts.
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
    """While the block waits for a lock of `waiting` for longer than `after` seconds, look who holds it.

    Gives a list with the newest look's sentences. `say` is told at once, and again each minute.
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
    """Who keeps a server process waiting for a lock, a sentence each; empty where it does not wait.

    Those who wait themselves are left out for those whom they wait for.
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
