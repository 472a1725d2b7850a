"""Section snapshots: read the stored answers into metrics of every section."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.assets.captures import captures
from orchestration.assets.each_marketplace import Figures, materialize_each
from orchestration.background import Progress, in_background
from orchestration.partitions import HOUR, HOURLY, hour_of_partition, partition_of
from orchestration.run_plan import captures_itself, read_before, read_before_tag, tick_of
from tickettape.database import Connection, Warehouse, live_work, month_of, yield_to_live_work
from tickettape.marketplaces import Marketplaces, WatchedMarketplace
from tickettape.observations import new_answer_fields, read_figures, read_tick, read_ticks, ticks_with_answers

READ_AT_ONCE = 300
"""Answers that a backfill reads in a transaction. A live tick that has read its own answers waits for it to end: for
two seconds. Ticks that are read one by one take twice as long, because each changes the listing history after it."""


@dg.asset(
    partitions_def=HOURLY,
    backfill_policy=dg.BackfillPolicy.single_run(),
    deps=[captures],
    kinds={"postgres", "pandas"},
    group_name="tick",
)
def section_snapshots(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    marketplaces: dg.ResourceParam[Marketplaces],
) -> dg.MaterializeResult[None]:
    """The metrics of every section with inventory, one row per section and tick.

    The run of a tick reads the answers of that tick. A backfill reads the answers that it captured itself, or reads all
    stored answers of its hours again. Answers that other runs left are read by the backlog.
    """
    return materialize_each(context, warehouse, marketplaces, _read_answers)


def _read_answers(
    connection: Connection, watched: WatchedMarketplace, context: dg.AssetExecutionContext
) -> dict[str, Figures]:
    """Read a marketplace's answers. Returns figures by hour."""
    tick = tick_of(context.run.tags)
    if tick is None:
        with in_background(connection):
            return _read_range(connection, watched, context)
    started = time.monotonic()
    with live_work(connection):
        read_answers_of_tick(connection, watched, tick, context.run.run_id, only_received=True)
    figures = figures_of(connection, watched.source, tick, tick + timedelta(microseconds=1))
    new_fields = new_answer_fields(connection, watched.source, datetime.now(UTC))
    figures |= {"mode": "tick", "new fields in the answers": ", ".join(new_fields) or "none"}
    return {partition_of(tick): figures | {"seconds": round(time.monotonic() - started, 3)}}


def _read_range(
    connection: Connection, watched: WatchedMarketplace, context: dg.AssetExecutionContext
) -> dict[str, Figures]:
    """Read the answers of a range of hours, oldest first. Pause while a live tick works.

    If it is interrupted and started again, it continues where it stopped.
    """
    window, tags, source = context.partition_time_window, context.run.tags, watched.source
    own = watched.marketplace.knows_the_past and captures_itself(context.run.job_name, context.run.asset_selection)
    begin = window.start if own else max(window.start, read_before(tags, source) or window.start)
    ticks = sorted(ticks_with_answers(connection, source, begin, window.end, only_received=own))
    read_ticks_in_turn(connection, watched, context, ticks, only_received=own)
    hours = map(hour_of_partition, context.partition_keys)
    return {
        partition_of(hour): {
            **figures_of(connection, source, hour, hour + HOUR),
            "mode": "backfill" if own else "replay",
        }
        for hour in hours
    }


def read_ticks_in_turn(
    connection: Connection,
    watched: WatchedMarketplace,
    context: dg.AssetExecutionContext,
    ticks: Sequence[datetime],
    *,
    only_received: bool,
) -> int:
    """Read the answers of past ticks, which are in order, some in each transaction. Returns how many were read.

    A replay, which reads answers again, notes in the run's tags how far it came.
    """
    source, tolerance, run_id = watched.source, watched.settings.partial_tolerance, context.run.run_id
    progress = Progress(context, f"Read the answers of {source}", len(ticks))
    done = answers = 0
    at_once = 1
    while done < len(ticks):
        yield_to_live_work(connection)
        first = ticks[done]
        together = [tick for tick in ticks[done : done + at_once] if month_of(tick) == month_of(first)]
        if progress.before(first, len(together)) and not only_received:
            context.instance.add_run_tags(run_id, {read_before_tag(source): first.isoformat()})
        read = read_ticks(connection, watched.marketplace, together, tolerance, run_id, only_received=only_received)
        answers, done = answers + read, done + len(together)
        at_once = min(2 * at_once, max(1, READ_AT_ONCE * len(together) // max(1, read)))
    return answers


def read_answers_of_tick(
    connection: Connection, watched: WatchedMarketplace, tick: datetime, run_id: str, *, only_received: bool
) -> int:
    """Read a marketplace's answers of one tick, with that marketplace's settings. Returns how many were read."""
    tolerance = watched.settings.partial_tolerance
    verdicts, _ = read_tick(connection, watched.marketplace, tick, tolerance, run_id, only_received=only_received)
    return len(verdicts)


def figures_of(connection: Connection, source: str, start: datetime, end: datetime) -> Figures:
    """Figures of the answers of [start, end), for the UI."""
    found = read_figures(connection, source, start, end)
    cheapest = found.lowest_price_cents
    return {
        "answers read": found.answers_read,
        "ok": found.ok,
        "empty": found.empty,
        "partial": found.partial,
        "rejected": found.rejected,
        "missing": found.missing,
        "not read yet": found.unread,
        "rows": found.rows,
        "listings": found.listings,
        "listings left out": found.left_out,
        "tickets": found.tickets,
        "cheapest price": cheapest / 100 if cheapest is not None else "none",
    }
