"""Run a backfill of past hours as one run and print its progress. `tickettape backfill` starts this.

If it is interrupted, the same command continues where it stopped: captures stay, answers that were read are marked as
read, and a replay records in the run's tags how far it came.
"""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.console import cause_of, output_to
from orchestration.definitions import defs
from orchestration.instance import HOST_TAG, open_instance
from orchestration.partitions import HOUR, HOURLY, partition_of
from orchestration.run_plan import RANGE_END_TAG, RANGE_START_TAG, READ_BEFORE_TAG, SOURCE_TAG
from orchestration.runs import close_abandoned, has_failed
from orchestration.schedule_lease import host_name
from tickettape.observations import floor_to_grid
from tickettape.settings import settings

PROGRESS = {"loggers": {"console": {"config": {"log_level": "WARNING", "progress": True}}}}


def run_backfill(say: Callable[[str], None], start: datetime, end: datetime, source: str | None = None) -> bool:
    """Run the hours of [start, end), of one marketplace or of all, and report progress. Returns whether it worked."""
    begin = floor_to_grid(HOUR, start)
    last = floor_to_grid(HOUR, min(end, datetime.now(UTC)) - timedelta(microseconds=1))
    with open_instance() as instance:
        if begin > last or begin < HOURLY.start:
            say(f"Choose hours between {HOURLY.start:%Y-%m-%d} (FIRST_DAY) and now.")
            return False
        close_abandoned(instance)
        hours = {RANGE_START_TAG: partition_of(begin), RANGE_END_TAG: partition_of(last)}
        hours |= {SOURCE_TAG: source} if source else {}
        cut = run_that_was_cut(instance, hours)
        until = last + HOUR
        goes_on = f", and goes on from run {cut.run_id[:8]}, which was interrupted" if cut else ""
        say(f"Backfill of {begin:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC, one run{goes_on}. Live ticks go first.")
        reached = {name: value for name, value in cut.tags.items() if name.startswith(READ_BEFORE_TAG)} if cut else {}
        try:
            with output_to(settings().home / "logs" / "backfill.log"):
                result = defs.resolve_job_def("backfill").execute_in_process(
                    instance=instance,
                    tags=hours | reached | {HOST_TAG: host_name()},
                    run_config=PROGRESS,
                    raise_on_error=False,
                )
        except KeyboardInterrupt:
            say("Interrupted. The same command continues where it stopped.")
            return False
    for failure in result.filter_events(lambda event: event.is_failure):
        cause = cause_of(failure.step_failure_data.error) if failure.is_step_failure else failure.message
        say(f"  failed: {cause}")
    again = f"Run {result.run_id} failed. The same command continues where it stopped."
    say("Done." if result.success else again)
    return result.success


def run_that_was_cut(instance: dg.DagsterInstance, hours: dict[str, str]) -> dg.DagsterRun | None:
    """The newest run of these hours if it ended without success, else None."""
    runs = instance.get_runs(dg.RunsFilter(tags=hours), limit=1)
    return next((run for run in runs if has_failed(run)), None)


def main() -> None:
    """The entry point of the process that `tickettape backfill` starts: `tickettape` itself does not import Dagster."""
    options = argparse.ArgumentParser()
    options.add_argument("start", type=datetime.fromisoformat)
    options.add_argument("end", type=datetime.fromisoformat)
    options.add_argument("--source")
    chosen = options.parse_args()
    done = run_backfill(
        lambda text: print(text, file=sys.__stdout__, flush=True), chosen.start, chosen.end, chosen.source
    )
    sys.exit(0 if done else 1)


if __name__ == "__main__":
    main()
