"""Run one tick without the UI: the job `tick` in this process, with its results in words."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from orchestration.console import cause_of, output_to
from orchestration.definitions import defs
from orchestration.instance import HOST_TAG, open_instance
from orchestration.partitions import partition_of
from orchestration.run_plan import SOURCE_TAG, TICK_TAG
from orchestration.schedule_lease import host_name
from tickettape.observations import floor_to_grid
from tickettape.settings import settings
from tickettape.start_and_stop import explain_failures


def run_tick(say: Callable[[str], None], source: str) -> bool:
    """Run the newest tick of a marketplace and report what was captured, checked and refreshed. Returns whether it was
    green."""
    interval = timedelta(minutes=settings().of_source(source).scraper_interval_minutes)
    tick = floor_to_grid(interval, datetime.now(UTC))
    say(f"Tick {tick:%Y-%m-%d %H:%M} UTC on {source}")
    with open_instance() as instance, output_to(settings().home / "logs" / "tick.log"):
        result = defs.resolve_job_def("tick").execute_in_process(
            instance=instance,
            partition_key=partition_of(tick),
            tags={TICK_TAG: tick.isoformat(), SOURCE_TAG: source, HOST_TAG: host_name()},
            run_config={"loggers": {"console": {"config": {"log_level": "WARNING"}}}},
            raise_on_error=False,
        )
    for event in result.get_asset_materialization_events():
        asset = event.asset_key
        if asset is not None:
            say(f"  {asset.to_user_string()}: {_figures(event.materialization.metadata)}")
    checks = result.get_asset_check_evaluations()
    failed = [check for check in checks if not check.passed]
    say(f"  {len(checks) - len(failed)} checks passed, {len(failed)} failed")
    for check in failed:
        say(f"    {check.severity.value}: {check.asset_check_key.to_user_string()} {_figures(check.metadata)}")
    for failure in result.filter_events(lambda event: event.event_type is dg.DagsterEventType.STEP_FAILURE):
        say(f"  failed: {failure.step_key}: {cause_of(failure.step_failure_data.error)}")
    errors = [check for check in failed if check.severity is dg.AssetCheckSeverity.ERROR]
    green = result.success and not errors
    say("Green." if green else f"Not green. Run `make dev` to see run {result.run_id} in the UI.")
    return green


def _figures(metadata: Any) -> str:
    shown = {
        name: value.value
        for name, value in metadata.items()
        if not name.startswith(("dagster", "dagster_dbt")) and isinstance(value.value, int | float | str)
    }
    return ", ".join(f"{name} {value}" for name, value in shown.items() if name not in ("unique_id", "invocation_id"))


if __name__ == "__main__":
    with explain_failures():
        green = [run_tick(lambda text: print(text, flush=True), source) for source in settings().sources]  # noqa: T201
        sys.exit(0 if all(green) else 1)
