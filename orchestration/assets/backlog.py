"""The backlog: read the answers that other runs left unread, and refresh the marks that they left.

Killed runs, failed ticks and server restarts leave such work behind. Live ticks do not touch it.
"""

import time
from datetime import datetime, timedelta

import dagster as dg
from dagster_dbt import DbtCliResource

from orchestration.assets.section_snapshots import read_answers_of_tick
from orchestration.background import BACKGROUND, Progress, refresh_in_background
from orchestration.dbt import REFRESH_AGAIN_FOR
from orchestration.unread import unread_ticks
from tickettape.database import Connection, Warehouse, try_lock, yield_to_live_work
from tickettape.marketplaces import Marketplaces
from tickettape.settings import Settings

READ_FOR = timedelta(minutes=10)  # then the run ends, and the next run continues


@dg.asset(kinds={"postgres", "pandas"}, group_name="upkeep")
def backlog(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    marketplaces: dg.ResourceParam[Marketplaces],
    settings: dg.ResourceParam[Settings],
    dbt: DbtCliResource,
) -> dg.MaterializeResult[None]:
    """Read the answers that no run has read, oldest first, then refresh all remaining marks, for some minutes.

    Each tick is read in its own transaction, between live ticks. If the run is killed, the next run continues.
    """
    with warehouse.connection() as connection, try_lock(connection, BACKGROUND) as alone:
        if not alone:
            return dg.MaterializeResult(metadata={"left": "A backfill, or another run of the backlog, is under way."})
        read, left, failed = _read(context, connection, marketplaces)
        marks = refresh_in_background(context, connection, dbt, settings, for_at_most=REFRESH_AGAIN_FOR)
    if failed:
        some = "; ".join(f"{tick:%Y-%m-%d %H:%M} of {source}: {why}" for (source, tick), why in [*failed.items()][:3])
        raise dg.Failure(f"The answers of {len(failed)} ticks could not be read. {some}", allow_retries=False)
    return dg.MaterializeResult(metadata={"answers read": read, "ticks left": left, "buckets left": marks})


def _read(
    context: dg.AssetExecutionContext, connection: Connection, marketplaces: Marketplaces
) -> tuple[int, int, dict[tuple[str, datetime], str]]:
    """Read for at most READ_FOR. Returns the number of answers read, the number of ticks left, and the failed ticks."""
    started, answers = time.monotonic(), 0
    failed: dict[tuple[str, datetime], str] = {}
    todo = [
        (tick, watched)
        for watched in marketplaces.values()
        for tick in unread_ticks(connection, context.instance, watched.settings)
    ]
    todo.sort(key=lambda one: one[0])
    progress = Progress(context, "Read what was left", len(todo))
    for number, (tick, watched) in enumerate(todo):
        if time.monotonic() - started > READ_FOR.total_seconds():
            return answers, len(todo) - number, failed
        yield_to_live_work(connection)
        progress.before(tick)
        try:
            answers += read_answers_of_tick(connection, watched, tick, context.run.run_id, only_received=True)
        except Exception as error:  # one tick that fails must not block those after it for ever
            if connection.closed:
                raise
            context.log.exception("Tick %s of %s could not be read.", tick, watched.source)
            failed[watched.source, tick] = f"{type(error).__name__}: {error}"
    return answers, 0, failed
