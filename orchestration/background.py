"""Background work, which must not delay live ticks: backfills, the simulated history, and runs of the backlog.

They hold one lock and so exclude each other: answers that a running backfill has captured but not read yet are not
backlog. A lock shows that a backfill is running; the status of a killed run would show that for hours.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import dagster as dg
from dagster_dbt import DbtCliResource

from orchestration.console import PROGRESS
from orchestration.dbt import NO_FILES
from tickettape.database import Connection, wait_for_lock, yield_to_live_work
from tickettape.rollups import ROLLUPS_ALONE, export_dbt_environment, refresh_rollups
from tickettape.settings import Settings

BACKGROUND = "background"
CLAIM_LIMIT = 500
"""The most buckets that a refresh in the background claims at once. A live tick's refresh waits for it: some ten
seconds."""

SAY_EVERY_SECONDS = 5.0
LONGEST_WAIT = timedelta(minutes=1)  # for a run of the backlog; after that a backfill runs beside it


@contextmanager
def in_background(connection: Connection, at_most: timedelta = LONGEST_WAIT) -> Iterator[None]:
    """Hold the background lock for a step of a backfill; start without it after `at_most`."""
    with wait_for_lock(connection, BACKGROUND, at_most=at_most):
        yield


def refresh_in_background(
    context: dg.AssetExecutionContext,
    connection: Connection,
    dbt: DbtCliResource,
    settings: Settings,
    *,
    for_at_most: timedelta | None = None,
) -> int:
    """Refresh the rollups between live ticks, a few buckets at a time. Returns the most that a rollup has left."""
    export_dbt_environment(settings, claim_limit=min(CLAIM_LIMIT, settings.claim_limit))

    def refresh_once() -> None:
        yield_to_live_work(connection)
        dbt.cli([*ROLLUPS_ALONE, NO_FILES], raise_on_error=False).wait()

    return refresh_rollups(connection, refresh_once, progress_of(context), for_at_most=for_at_most)


def progress_of(context: dg.AssetExecutionContext) -> Callable[[str], None]:
    """Return a function that reports progress: in the log, and on the console of a person who waits for the run."""
    return lambda text: context.log.info(text, extra=PROGRESS)


class Progress:
    """Reports from time to time how many of its ticks a step has done."""

    def __init__(self, context: dg.AssetExecutionContext, what: str, ticks: int) -> None:
        self._say, self._what, self._ticks = progress_of(context), what, ticks
        self._done, self._said_at = 0, time.monotonic()

    def before(self, tick: datetime, ticks: int = 1) -> bool:
        """Note that a tick begins (or that many), so all before it are done. Returns whether progress was reported."""
        due = time.monotonic() - self._said_at >= SAY_EVERY_SECONDS
        if due:
            self._say(f"{self._what}: {self._done:,} of {self._ticks:,} ticks, to {tick:%Y-%m-%d %H:%M} UTC.")
            self._said_at = time.monotonic()
        self._done += ticks
        return due
