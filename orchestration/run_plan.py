"""Decide which ticks a run is about, and whether it captures or replays them. Pure functions.

A live marketplace cannot be asked about the past. So a run on past hours captures only if the marketplace knows the
past (the simulator). For other marketplaces a backfill replays stored answers, and a single run fails and says so.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

import dagster as dg

from tickettape.observations import floor_to_grid, ticks_between

TICK_TAG = "tickettape/tick"
SOURCE_TAG = "tickettape/source"
SHARD_TAG = "tickettape/shard"
PLAN_TAG = "tickettape/plan"
READ_BEFORE_TAG = "tickettape/read_before"
HISTORY_TAG = "tickettape/simulated_history"
RANGE_START_TAG, RANGE_END_TAG = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
BACKFILL_TAGS = ("dagster/backfill", RANGE_START_TAG)


class RunMode(Enum):
    """What a run does for its ticks."""

    CAPTURE = "capture"
    """Poll the marketplace until the deadline. An event without a capture by then is missed: no later answer is stored
    under an old time."""
    REPLAY = "replay"
    """Read the stored answers again and rebuild the rollups."""


@dataclass(frozen=True)
class RunPlan:
    """The ticks of a run, oldest first, and what happens for them."""

    mode: RunMode
    ticks: tuple[datetime, ...]
    deadline: datetime | None
    """The time after which a live tick is no longer captured: the start of the next tick. None: no limit."""
    live: bool = False
    """Whether the run is about a single tick. Otherwise it is about past hours."""


class ClosedHourError(Exception):
    """A live marketplace was to be captured for an hour that is over."""


def tick_of(tags: Mapping[str, str]) -> datetime | None:
    """The tick that a run was started for, from its tag."""
    return datetime.fromisoformat(tags[TICK_TAG]) if TICK_TAG in tags else None


def sources_of(tags: Mapping[str, str], watched: Iterable[str]) -> list[str]:
    """The marketplaces that a run is about: the one of its tag, or all that are watched here."""
    return [tags[SOURCE_TAG]] if SOURCE_TAG in tags else list(watched)


def shared_plan_of(tags: Mapping[str, str]) -> str | None:
    """The plan that a run shares with the tick's other runs. A run that was started again gets a plan of its own."""
    return None if "dagster/parent_run_id" in tags else tags.get(PLAN_TAG)


def captures_itself(job_name: str, asset_selection: Collection[dg.AssetKey] | None) -> bool:
    """Whether a run on past hours captures them before it reads them, if the marketplace knows the past."""
    if asset_selection is None:
        return job_name in ("tick", "backfill")
    return dg.AssetKey("captures") in asset_selection


def read_before_tag(source: str) -> str:
    """The tag in which a replay of a marketplace records a tick: all ticks before it are done."""
    return f"{READ_BEFORE_TAG}/{source}"


def read_before(tags: Mapping[str, str], source: str) -> datetime | None:
    """The tick that an interrupted replay had reached. The run that continues it has the same tag."""
    found = tags.get(read_before_tag(source))
    return datetime.fromisoformat(found) if found else None


def plan_run(
    *,
    tags: Mapping[str, str],
    start: datetime,
    end: datetime,
    now: datetime,
    interval: timedelta,
    knows_the_past: bool,
) -> RunPlan:
    """The plan of a run on the hours [start, end).

    Raises ClosedHourError if a live marketplace would be asked about the past.
    """
    tick = tick_of(tags)
    if tick is None and start <= now < end and end - start <= timedelta(hours=1):
        tick = floor_to_grid(interval, now)  # a run on the current hour without a tick gets the newest tick
    if tick is not None:
        if knows_the_past:
            return RunPlan(RunMode.CAPTURE, (tick,), deadline=None, live=True)
        return RunPlan(RunMode.CAPTURE, (tick,), deadline=tick + interval, live=True)
    ticks = tuple(ticks_between(start, min(end, now), interval))
    if knows_the_past:
        return RunPlan(RunMode.CAPTURE, ticks, deadline=None)
    if any(tag in tags for tag in BACKFILL_TAGS):
        return RunPlan(RunMode.REPLAY, ticks, deadline=None)
    raise ClosedHourError(
        f"The hour {start:%Y-%m-%d %H:%M} UTC is over, and a live marketplace cannot be asked about the past. To "
        "replay the stored answers, run section_snapshots and the assets after it, or start a backfill."
    )
