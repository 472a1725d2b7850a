"""One tick without a UI: the job `tick` in this process, and what came of it in words."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from orchestration.definitions import defs
from orchestration.instance import open_instance
from orchestration.partitions import partition_of
from orchestration.run_plan import TICK_TAG
from tickettape.observations import floor_to_grid
from tickettape.settings import settings


def run_tick(say: Callable[[str], None]) -> bool:
    """Run the newest tick of the grid, say what was captured, checked and refreshed; whether it was green."""
    tick = floor_to_grid(timedelta(minutes=settings().scraper_interval_minutes), datetime.now(UTC))
    say(f"Tick {tick:%Y-%m-%d %H:%M} UTC on {settings().source}")
    with open_instance() as instance:
        result = defs.resolve_job_def("tick").execute_in_process(
            instance=instance,
            partition_key=partition_of(tick),
            tags={TICK_TAG: tick.isoformat(), "tickettape/source": settings().source},
            run_config={"loggers": {"console": {"config": {"log_level": "WARNING"}}}},
            raise_on_error=False,
        )
    for event in result.get_asset_materialization_events():
        asset = event.asset_key
        if asset is not None:
            say(f"  {asset.to_user_string()}: {_figures(event.materialization.metadata)}")
    checks = result.get_asset_check_evaluations()
    failed = [check for check in checks if not check.passed]
    say(f"  {len(checks) - len(failed)} checks passed, {len(failed)} did not")
    for check in failed:
        say(f"    {check.severity.value}: {check.asset_check_key.to_user_string()} {_figures(check.metadata)}")
    for failure in result.filter_events(lambda event: event.is_failure):
        say(f"  failed: {failure.message}")
    errors = [check for check in failed if check.severity is dg.AssetCheckSeverity.ERROR]
    green = result.success and not errors
    say("Green." if green else f"Not green: run {result.run_id}; see it in the UI with `make dev`.")
    return green


def _figures(metadata: Any) -> str:
    shown = {
        name: value.value
        for name, value in metadata.items()
        if not name.startswith(("dagster", "dagster_dbt")) and isinstance(value.value, int | float | str)
    }
    return ", ".join(f"{name} {value}" for name, value in shown.items() if name not in ("unique_id", "invocation_id"))


if __name__ == "__main__":
    sys.exit(0 if run_tick(lambda text: print(text, flush=True)) else 1)  # noqa: T201
