"""Which answers nobody reads any more: those of ticks that are over, and whose runs have ended."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.run_plan import SOURCE_TAG, TICK_TAG
from orchestration.runs import UNDER_WAY
from tickettape.database import Connection
from tickettape.observations import floor_to_grid, ticks_with_answers
from tickettape.settings import Settings

EVER = datetime(1970, 1, 1, tzinfo=UTC)  # a backfill of the simulator's past may be older than answers are kept


def unread_ticks(connection: Connection, instance: dg.DagsterInstance, settings: Settings) -> list[datetime]:
    """A marketplace's ticks with answers that wait to be read and that no run is about, oldest first.

    The newest tick is its own runs' business, also where they fail: they are started again.
    """
    now = datetime.now(UTC)
    newest = floor_to_grid(timedelta(minutes=settings.scraper_interval_minutes), now)
    waiting = ticks_with_answers(connection, settings.source, EVER, newest, only_received=True)
    if not waiting:
        return []
    runs = instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY, tags={SOURCE_TAG: settings.source}))
    own = {datetime.fromisoformat(run.tags[TICK_TAG]) for run in runs if TICK_TAG in run.tags}
    return sorted(set(waiting) - own)
