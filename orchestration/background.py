"""What works beside live ticks and may not hold them up: backfills, and runs that read a backlog.

One at a time: what a backfill has captured and not read yet is no backlog while it lives. The lock says that it does,
where a run's status says so for hours after a kill.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import dagster as dg

from orchestration.console import PROGRESS
from tickettape.database import Connection, wait_for_lock

BACKGROUND = "background"
CLAIM_LIMIT = 500
"""Most buckets that a refresh beside live ticks takes at once: theirs wait for its end, some ten seconds."""

SAY_EVERY_SECONDS = 5.0
LONGEST_WAIT = timedelta(minutes=1)  # for a run of the backlog; after that a backfill goes on beside it


@contextmanager
def in_background(connection: Connection) -> Iterator[None]:
    """Do a step of a backfill in the block."""
    with wait_for_lock(connection, BACKGROUND, at_most=LONGEST_WAIT):
        yield


def progress_of(context: dg.AssetExecutionContext) -> Callable[[str], None]:
    """Says how far a step has come: in its log, and to a person who waits for the run."""
    return lambda text: context.log.info(text, extra=PROGRESS)


class Progress:
    """Says from time to time how far a step has come in its ticks."""

    def __init__(self, context: dg.AssetExecutionContext, what: str, ticks: int) -> None:
        self._say, self._what, self._ticks = progress_of(context), what, ticks
        self._done, self._said_at = 0, time.monotonic()

    def before(self, tick: datetime) -> bool:
        """Note that a tick is begun, and so that all before it are done; whether it was said."""
        due = time.monotonic() - self._said_at >= SAY_EVERY_SECONDS
        if due:
            self._say(f"{self._what}: {self._done:,} of {self._ticks:,} ticks, to {tick:%Y-%m-%d %H:%M} UTC.")
            self._said_at = time.monotonic()
        self._done += 1
        return due
