"""Refresh the rollups until what is marked is recomputed: the one loop of ticks, corrections and imports.

How dbt is called is handed in, so the loop knows no Dagster. One call takes a bounded claim of marks, newest
first; a live tick therefore never waits behind an import, only behind one claim of it.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from tickettape.database import Connection
from tickettape.rollups.marks import pending_buckets

ROLLUPS_ALONE = ("run", "--select", "+tag:rollup")  # with the views they read


def refresh_rollups(
    connection: Connection,
    run_dbt: Callable[[], object],
    say: Callable[[str], None],
    *,
    until: int = 0,
    for_at_most: timedelta | None = None,
    since: datetime | None = None,
) -> int:
    """Call `run_dbt` until no rollup has more than `until` buckets to recompute; how many the fullest one has left.

    Ends earlier after `for_at_most`, and where a call leaves no fewer than there were: then others write faster
    than this refreshes, and theirs is the rest. With `since`, older buckets are left alone.
    """
    started = time.monotonic()
    left = _most_pending(connection, since)
    while left > until:
        if for_at_most is not None and time.monotonic() - started > for_at_most.total_seconds():
            say(f"{left:,} buckets are left to the next refresh.")
            break
        run_dbt()
        before, left = left, _most_pending(connection, since)
        say(f"{left:,} buckets are still to be recomputed.")
        if left >= before:
            break
    return left


def _most_pending(connection: Connection, since: datetime | None) -> int:
    return max(pending_buckets(connection, since).values(), default=0)
