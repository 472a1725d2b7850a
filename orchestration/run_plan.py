"""Which ticks a run is about, and what may be done for them: pure decisions.

Nobody can ask a live marketplace about the past. A run on closed hours therefore captures only where the
marketplace knows every time (the simulator); elsewhere a backfill replays stored answers, and a single run
fails and says so.
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
RANGE_START_TAG, RANGE_END_TAG = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
BACKFILL_TAGS = ("dagster/backfill", RANGE_START_TAG)


class RunMode(Enum):
    """What a run does about its ticks."""

    CAPTURE = "capture"
    """Ask the marketplace, until the deadline: what is not captured then is missed, never filed under an old time."""
    REPLAY = "replay"
    """Read the stored answers again and rebuild the rollups."""


@dataclass(frozen=True)
class RunPlan:
    """The ticks of a run, oldest first, and what happens for them."""

    mode: RunMode
    ticks: tuple[datetime, ...]
    deadline: datetime | None
    """When a live tick may no longer be captured: the next one's start."""
    live: bool = False
    """Whether it is one tick, run for itself; else it is hours of the past."""


class ClosedHourError(Exception):
    """A live capture of an hour that is over."""


def tick_of(tags: Mapping[str, str]) -> datetime | None:
    """The tick that a run was started for, from its tag."""
    return datetime.fromisoformat(tags[TICK_TAG]) if TICK_TAG in tags else None


def sources_of(tags: Mapping[str, str], watched: Iterable[str]) -> list[str]:
    """The marketplaces that a run is about: the one of its tag, or all that are watched here."""
    return [tags[SOURCE_TAG]] if SOURCE_TAG in tags else list(watched)


def shared_plan_of(tags: Mapping[str, str]) -> str | None:
    """The plan that a run shares with others of its tick; a run that was started again has one of its own."""
    return None if "dagster/parent_run_id" in tags else tags.get(PLAN_TAG)


def captures_itself(job_name: str, asset_selection: Collection[dg.AssetKey] | None) -> bool:
    """Whether a run on past hours captures them before it reads them, where their marketplace knows the past."""
    if asset_selection is None:
        return job_name in ("tick", "backfill")
    return dg.AssetKey("captures") in asset_selection


def read_before_tag(source: str) -> str:
    """The tag of a run that reads a marketplace's stored answers again: all before that tick are done."""
    return f"{READ_BEFORE_TAG}/{source}"


def read_before(tags: Mapping[str, str], source: str) -> datetime | None:
    """Where the run that was cut, and whose tags this one has, had come to."""
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
    """What a run on the hours [start, end) does.

    Raises ClosedHourError where a live marketplace is asked for its past.
    """
    tick = tick_of(tags)
    if tick is None and start <= now < end and end - start <= timedelta(hours=1):
        tick = floor_to_grid(interval, now)  # the running hour without a tick: the newest one
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
