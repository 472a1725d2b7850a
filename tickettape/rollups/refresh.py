"""Refresh the rollups until all marks are gone: one loop for ticks, corrections and imports.

The caller passes a function that calls dbt, so this module does not import Dagster. One call claims a bounded number of
marks, newest first. So a live tick never waits for a whole import, only for one of its claims.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from tickettape.database import Connection
from tickettape.rollups.marks import pending_buckets

ROLLUPS_ALONE = ("run", "--select", "+tag:rollup")  # +: with the views that they read


def refresh_rollups(
    connection: Connection,
    run_dbt: Callable[[], object],
    say: Callable[[str], None],
    *,
    until: int = 0,
    for_at_most: timedelta | None = None,
    since: datetime | None = None,
) -> int:
    """Call `run_dbt` until no rollup has more than `until` marked buckets. Returns the most that a rollup has left.

    It ends earlier after `for_at_most`, or if a call does not reduce the number: then marks are written faster than
    they are refreshed, or a model fails. `since`: older buckets do not count.
    """
    return refresh_until(lambda: _most_pending(connection, since), run_dbt, say, until=until, for_at_most=for_at_most)


def refresh_until(
    pending: Callable[[], int],
    run_dbt: Callable[[], object],
    say: Callable[[str], None],
    *,
    until: int = 0,
    for_at_most: timedelta | None = None,
) -> int:
    """As `refresh_rollups`, for whatever `pending` counts."""
    started = time.monotonic()
    left = pending()
    while left > until:
        if for_at_most is not None and time.monotonic() - started > for_at_most.total_seconds():
            say(f"{left:,} buckets are left to the next refresh.")
            break
        run_dbt()
        before, left = left, pending()
        say(f"{left:,} buckets are still to be recomputed.")
        if left >= before:
            break
    return left


def _most_pending(connection: Connection, since: datetime | None) -> int:
    return max(pending_buckets(connection, since).values(), default=0)
