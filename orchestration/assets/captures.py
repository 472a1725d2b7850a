"""Captures: poll every due event once per tick."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

import dagster as dg

from orchestration.assets.each_marketplace import Figures, materialize_each
from orchestration.assets.events import events
from orchestration.background import Progress, in_background
from orchestration.metadata_tables import as_table
from orchestration.partitions import HOUR, HOURLY, partition_of
from orchestration.run_plan import ClosedHourError, RunMode, RunPlan, plan_run, shared_plan_of
from tickettape.database import Connection, Warehouse, ensure_partitions, yield_to_live_work
from tickettape.marketplaces import Marketplaces, WatchedMarketplace, current_slowdown, describe_breaker, load_breaker
from tickettape.observations import (
    capture_tick,
    count_quarantined,
    floor_to_grid,
    newest_jobs,
    poll_rules,
    poll_summary,
    record_missed_ticks,
    scraper_figures,
    stale_events,
)

CLASSES = ("received", "missing", "blocked", "failed", "passing", "throttled")  # as in `marketplaces.pacing`
JOBS_SHOWN = 12  # two hours of ticks


@dg.asset(
    partitions_def=HOURLY,
    backfill_policy=dg.BackfillPolicy.single_run(),
    deps=[events],
    kinds={"postgres"},
    group_name="tick",
)
def captures(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    marketplaces: dg.ResourceParam[Marketplaces],
) -> dg.MaterializeResult[None]:
    """The marketplace's answer, or the failure to get one, for every due event of a tick.

    Several runs can share a tick. Each captures its part, and ends when the whole tick is captured.
    """
    return materialize_each(context, warehouse, marketplaces, _capture)


def _capture(
    connection: Connection, watched: WatchedMarketplace, context: dg.AssetExecutionContext
) -> dict[str, Figures]:
    """Capture the run's ticks of one marketplace. Returns figures by hour."""
    marketplace, settings = watched.marketplace, watched.settings
    window = context.partition_time_window
    try:
        todo = plan_run(
            tags=context.run.tags,
            start=window.start,
            end=window.end,
            now=datetime.now(UTC),
            interval=timedelta(minutes=settings.scraper_interval_minutes),
            knows_the_past=marketplace.knows_the_past,
        )
    except ClosedHourError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    if todo.mode is RunMode.REPLAY:
        mode = "replay: nothing was requested, stored answers are read again"
        return {partition: {"mode": mode, "events captured": 0} for partition in context.partition_keys}
    if todo.live:
        return {partition_of(todo.ticks[0]): _capture_live(connection, watched, context, todo)}
    with in_background(connection):
        return _capture_past(connection, watched, context, todo)


def _capture_live(
    connection: Connection, watched: WatchedMarketplace, context: dg.AssetExecutionContext, todo: RunPlan
) -> Figures:
    """Capture the due events of a live tick until its deadline. First record earlier ticks that never ran as missed."""
    marketplace, settings, source = watched.marketplace, watched.settings, watched.source
    tick, started, asked_before = todo.ticks[0], time.monotonic(), marketplace.requests.copy()
    rules = poll_rules(
        settings,
        current_slowdown(connection, source),
        paced=marketplace.paced,
        requests_per_poll=marketplace.requests_per_poll,
    )
    never_ran = record_missed_ticks(connection, source, tick, rules.every)
    if never_ran:
        context.log.warning(
            "No run captured %d ticks from %s to %s: the %d polls due at them are recorded as missed.",
            *(len(never_ran), f"{min(never_ran):%Y-%m-%d %H:%M}", f"{max(never_ran):%Y-%m-%d %H:%M}"),
            sum(never_ran.values()),
        )
    ensure_partitions(connection, [tick])
    # the simulator can still answer for a tick that is over: capture every event then, not only the due ones
    past = marketplace.knows_the_past and tick + rules.every <= datetime.now(UTC)
    counts = capture_tick(
        connection,
        marketplace,
        tick,
        todo.deadline,
        context.run.run_id,
        shared_plan_of(context.run.tags),
        None if past else rules,
    )
    requests = marketplace.requests - asked_before
    breaker = load_breaker(connection, source)
    if breaker.state != "closed":
        context.log.warning(describe_breaker(source, breaker))
    return {
        "source": source,
        "mode": todo.mode.value,
        "newest tick": tick.isoformat(),
        "ticks that never ran": len(never_ran),
        **_counted(counts.total(), counts["received"], counts),
        "seconds": round(time.monotonic() - started, 3),
        **{f"requests {kind}": requests[kind] for kind in CLASSES},
        "breaker": describe_breaker(source, breaker),
        **_captured(connection, source, todo.ticks),
        **_health(connection, source),
    }


def _capture_past(
    connection: Connection, watched: WatchedMarketplace, context: dg.AssetExecutionContext, todo: RunPlan
) -> dict[str, Figures]:
    """Capture every event at every past tick, except what is captured already. Pause while a live tick works."""
    marketplace, source = watched.marketplace, watched.source
    ensure_partitions(connection, todo.ticks)
    progress = Progress(context, f"Captured {source}", len(todo.ticks))
    for tick in todo.ticks:
        yield_to_live_work(connection)
        progress.before(tick)
        capture_tick(connection, marketplace, tick, todo.deadline, context.run.run_id)
    figures: dict[str, Figures] = {}
    for hour, ticks in groupby(todo.ticks, key=lambda tick: floor_to_grid(HOUR, tick)):
        of_hour = list(ticks)
        found = scraper_figures(connection, source, of_hour)  # from the tables: includes captures of an interrupted run
        figures[partition_of(hour)] = {
            "source": source,
            "mode": "backfill",
            "ticks": len(of_hour),
            **_counted(found.asked, found.answered, found.by_status),
            **_captured(connection, source, of_hour),
        }
    return figures


def _counted(due: int, captured: int, by_status: Mapping[str, int]) -> Figures:
    other = {f"events {status}": by_status.get(status, 0) for status in ("missing", "missed", "blocked", "failed")}
    return {"events due": due, "events captured": captured, **other}


def _captured(connection: Connection, source: str, ticks: Sequence[datetime]) -> Figures:
    """Figures of all captures at these ticks, whichever run made them. The UI plots them over time."""
    found = scraper_figures(connection, source, ticks)
    plotted = {
        "success rate": found.success_rate,
        "latency p50 (ms)": found.latency_p50,
        "latency p95 (ms)": found.latency_p95,
        "latency p99 (ms)": found.latency_p99,
    }
    return {
        **{name: round(number, 3) for name, number in plotted.items() if number is not None},
        "megabytes answered": round(found.payload_bytes / 1e6, 3),
        "captures by status": found.by_status,
        "captures by HTTP status": found.by_http_status,
    }


def _health(connection: Connection, source: str) -> Figures:
    """The state of the scraper now: stale and deferred events, the quarantine, and the newest jobs."""
    now = datetime.now(UTC)
    decided, stale = poll_summary(connection, source, now), stale_events(connection, source, now)
    waiting = count_quarantined(connection, source)
    return {
        "events watched": decided.watched,
        "events deferred": decided.deferred,
        "longest deferred (minutes)": decided.longest_deferred_minutes,
        "events stale": len(stale),
        "events by interval": decided.by_interval,
        "waiting in quarantine": sum(waiting.values()),
        "quarantine": waiting,
        "newest jobs": as_table(newest_jobs(connection, source, JOBS_SHOWN)),
    }
