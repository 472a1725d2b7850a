"""The history before the first tick, on the simulator alone: capture it, read it, roll it up."""

import time
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster_dbt import DbtCliResource

from orchestration.assets.section_snapshots import read_ticks_in_turn
from orchestration.background import Progress, in_background, refresh_in_background
from orchestration.simulated_history import has_simulated_history, known_history, settle_history
from tickettape.database import Connection, Warehouse, ensure_partitions, yield_to_live_work
from tickettape.marketplaces import Marketplaces, WatchedMarketplace
from tickettape.observations import capture_tick, ticks_with_answers
from tickettape.settings import Settings


@dg.asset(kinds={"postgres", "pandas"}, group_name="simulator")
def simulated_history(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    marketplaces: dg.ResourceParam[Marketplaces],
    settings: dg.ResourceParam[Settings],
    dbt: DbtCliResource,
) -> dg.MaterializeResult[None]:
    """The invented prices of the week before the first tick, so that the charts of a new database show something.

    Filled in once per database, by one run beside the live ticks, which go first. If it is interrupted, the next run
    continues. Events of real marketplaces have no such history.
    """
    # no partitions: Dagster would store 10,000 events for a week of them, which takes longer than the week itself
    started, ticks, read = time.monotonic(), 0, 0
    with warehouse.connection() as connection, in_background(connection):
        for source, watched in marketplaces.items():
            history, settled = known_history(connection, source)
            if history is None or settled is not None or not has_simulated_history(watched):
                continue
            todo = list(history.ticks(timedelta(minutes=watched.settings.scraper_interval_minutes)))
            _capture(connection, watched, context, todo)
            unread = ticks_with_answers(connection, source, history.start, history.before, only_received=True)
            read += read_ticks_in_turn(connection, watched, context, sorted(unread), only_received=True)
            ticks += len(todo)
        left = refresh_in_background(context, connection, dbt, settings)
        for source in marketplaces:
            settle_history(connection, source, f"It was filled in at {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.")
    seconds = round(time.monotonic() - started, 1)
    return dg.MaterializeResult(
        metadata={"ticks": ticks, "answers read": read, "buckets left": left, "seconds": seconds}
    )


def _capture(
    connection: Connection, watched: WatchedMarketplace, context: dg.AssetExecutionContext, ticks: list[datetime]
) -> None:
    """Capture what is not captured yet, newest first."""
    ensure_partitions(connection, ticks)
    progress = Progress(context, f"Captured {watched.source}", len(ticks))
    for tick in reversed(ticks):
        yield_to_live_work(connection)
        progress.before(tick)
        capture_tick(connection, watched.marketplace, tick, None, context.run.run_id)
