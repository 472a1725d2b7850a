"""When a tick is started: by the schedule on time, and where that failed by the sensor, within the same interval."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.definitions import build_defs
from orchestration.schedules import tick_requests
from orchestration.sensors import MOST_ATTEMPTS, why_no_backlog_run, why_no_tick
from tests.support.markets import TEN
from tickettape.settings import Settings

TICK = datetime(2026, 11, 20, 3, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def why(
    minutes: float, *, newest: datetime | None = TICK - TEN, attempts: int | None = None, failed: bool = True
) -> str | None:
    return why_no_tick(TICK, TICK + minutes * MINUTE, TEN, newest=newest, attempts=attempts, failed=failed)


def test_the_schedule_has_a_minute_to_start_a_tick_and_then_it_is_started_all_the_same() -> None:
    assert why(0.5) == "The schedule starts tick 03:20."
    assert why(1.5) is None


def test_a_first_start_and_one_after_a_pause_wait_for_no_schedule() -> None:
    assert why(0.1, newest=None) is None
    assert why(9.9, newest=None) is None
    assert why(0.1, newest=TICK - 3 * TEN) is None


@pytest.mark.parametrize("newest", [TICK - TEN, TICK])
def test_a_tick_whose_run_failed_is_tried_again_in_its_interval_however_fresh_the_last_one_is(
    newest: datetime,
) -> None:
    assert why(0.5, newest=newest, attempts=1) is None
    assert why(5, newest=newest, attempts=MOST_ATTEMPTS) == (
        "Tick 03:20 failed 3 times: the next tick starts on schedule."
    )


def test_a_tick_that_has_run_is_not_started_again() -> None:
    assert why(5, attempts=1, failed=False) == "Tick 03:20 has already run."


def test_a_tick_that_is_nearly_over_is_left_to_be_recorded_as_missed() -> None:
    assert "recorded as missed" in (why(9.5) or "")
    assert "recorded as missed" in (why(9.5, attempts=1) or "")


@pytest.mark.parametrize(("late", "started"), [(timedelta(0), True), (timedelta(minutes=25), False)])
def test_a_schedule_that_slept_starts_no_tick_that_is_over(late: timedelta, started: bool, tmp_path: Path) -> None:
    defs = build_defs(settings=Settings())
    with (
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
        dg.build_schedule_context(
            instance, scheduled_execution_time=datetime.now(UTC) - late, repository_def=defs.get_repository_def()
        ) as context,
    ):
        data = defs.resolve_schedule_def("start_ticks_simulator").evaluate_tick(context)
    assert bool(data.run_requests) is started
    assert started or "is over: this program slept" in (data.skip_message or "")


def test_a_run_of_a_tick_is_stopped_after_two_intervals() -> None:
    for settings in (Settings(), Settings(scraper_shards=2)):
        assert {one.tags["dagster/max_runtime"] for one in tick_requests(settings, TICK, run_key="x")} == {"1200"}


def test_a_backlog_is_read_at_once_and_what_a_run_of_it_left_after_a_while() -> None:
    just_now, long_ago = TICK - MINUTE, TICK - 20 * MINUTE
    assert why_no_backlog_run(3, None, None, TICK) is None
    assert why_no_backlog_run(3, None, (just_now, True), TICK) is None  # it was bounded, and this one goes on
    assert "10" in (why_no_backlog_run(3, None, (just_now, False), TICK) or "")  # a tick that cannot be read
    assert why_no_backlog_run(3, None, (long_ago, False), TICK) is None


def test_marks_count_as_left_when_they_have_waited_for_longer_than_a_tick_takes() -> None:
    assert why_no_backlog_run(0, TICK - 5 * MINUTE, None, TICK) == "All answers are read, and no mark waits."
    assert why_no_backlog_run(0, TICK - 40 * MINUTE, None, TICK) is None
    assert why_no_backlog_run(0, TICK - 40 * MINUTE, (TICK - MINUTE, True), TICK) is not None  # of a model that fails
