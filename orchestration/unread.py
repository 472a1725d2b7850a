"""Find unread answers that no run will read: those of past ticks without a run in progress."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.run_plan import SOURCE_TAG, TICK_TAG
from orchestration.runs import UNDER_WAY
from tickettape.database import Connection
from tickettape.observations import floor_to_grid, ticks_with_answers
from tickettape.settings import Settings

EVER = datetime(1970, 1, 1, tzinfo=UTC)  # a backfill of the simulator's past may be older than answers are kept


def unread_ticks(connection: Connection, instance: dg.DagsterInstance, settings: Settings) -> list[datetime]:
    """A marketplace's ticks that have unread answers and no run in progress, oldest first.

    The newest tick is left to its own runs, even if they fail: they are started again.
    """
    now = datetime.now(UTC)
    newest = floor_to_grid(timedelta(minutes=settings.scraper_interval_minutes), now)
    waiting = ticks_with_answers(connection, settings.source, EVER, newest, only_received=True)
    if not waiting:
        return []
    runs = instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY, tags={SOURCE_TAG: settings.source}))
    own = {datetime.fromisoformat(run.tags[TICK_TAG]) for run in runs if TICK_TAG in run.tags}
    return sorted(set(waiting) - own)
