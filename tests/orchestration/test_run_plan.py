"""What a run does: the decision, case by case."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from orchestration.run_plan import (
    HISTORY_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
    SOURCE_TAG,
    TICK_TAG,
    ClosedHourError,
    RunMode,
    RunPlan,
    captures_itself,
    plan_run,
)
from orchestration.runs import what_follows

TEN = timedelta(minutes=10)
HOUR = timedelta(hours=1)
SEVEN = datetime(2026, 11, 21, 7, tzinfo=UTC)
BACKFILL = {"dagster/backfill": "abc"}


def decide(
    *, now: datetime, tags: dict[str, str] | None = None, hours: int = 1, knows_the_past: bool = False
) -> RunPlan:
    return plan_run(
        tags=tags or {}, start=SEVEN, end=SEVEN + hours * HOUR, now=now, interval=TEN, knows_the_past=knows_the_past
    )


def tag(tick: datetime) -> dict[str, str]:
    return {TICK_TAG: tick.isoformat()}


def test_a_live_tick_is_captured_until_the_next_one_begins() -> None:
    decided = decide(tags=tag(SEVEN), now=SEVEN + timedelta(minutes=3))
    assert decided == RunPlan(RunMode.CAPTURE, (SEVEN,), deadline=SEVEN + TEN, live=True)


def test_a_live_tick_that_comes_too_late_has_its_deadline_behind_it_so_that_all_is_missed() -> None:
    decided = decide(tags=tag(SEVEN), now=SEVEN + timedelta(minutes=25))
    assert decided.deadline is not None
    assert decided.deadline < SEVEN + timedelta(minutes=25)


def test_the_last_tick_of_an_hour_is_captured_after_the_hour_is_over() -> None:
    last = SEVEN + timedelta(minutes=50)
    assert decide(tags=tag(last), now=SEVEN + HOUR - timedelta(seconds=1)).ticks == (last,)


def test_a_run_on_the_open_hour_without_a_tick_means_the_newest_one() -> None:
    assert decide(now=SEVEN + timedelta(minutes=34)).ticks == (SEVEN + timedelta(minutes=30),)


def test_a_live_capture_of_a_closed_hour_fails_and_says_what_to_do() -> None:
    with pytest.raises(ClosedHourError, match="replay the stored answers"):
        decide(now=SEVEN + 5 * HOUR)


def test_a_backfill_of_live_hours_replays_stored_answers() -> None:
    decided = decide(now=SEVEN + 5 * HOUR, tags=BACKFILL, hours=3)
    assert decided.mode is RunMode.REPLAY


def test_simulated_hours_are_captured_tick_by_tick_up_to_now() -> None:
    decided = decide(now=SEVEN + timedelta(minutes=95), tags=BACKFILL, hours=3, knows_the_past=True)
    assert decided.mode is RunMode.CAPTURE
    assert decided.ticks[0] == SEVEN
    assert decided.ticks[-1] == SEVEN + timedelta(minutes=90)
    assert decided.deadline is None


def test_a_backfill_is_not_live_and_reads_only_what_it_captures_where_it_captures() -> None:
    assert not decide(now=SEVEN + 5 * HOUR, tags=BACKFILL, hours=3, knows_the_past=True).live
    assert captures_itself("backfill", None)
    assert captures_itself("__ASSET_JOB", {dg.AssetKey("captures"), dg.AssetKey("section_snapshots")})
    assert not captures_itself("__ASSET_JOB", {dg.AssetKey("section_snapshots")})
    assert not captures_itself("rollups", None)


def test_a_run_that_was_cut_says_how_its_work_goes_on() -> None:
    hours = {RANGE_START_TAG: "2026-11-21-07:00", RANGE_END_TAG: "2026-11-21-09:00"}
    assert what_follows(hours | {SOURCE_TAG: "vividseats"}) == (
        "Its backfill goes on where it stopped with: tickettape backfill "
        "--from 2026-11-21T07:00Z --to 2026-11-21T10:00Z --source vividseats"
    )
    assert what_follows(tag(SEVEN)) == "Its tick is run again by itself while that lasts."
    assert what_follows({HISTORY_TAG: SEVEN.isoformat()}) == "Another one goes on where it stopped, by itself."
    assert what_follows({}) == "It can be run again."
