"""The metrics of every section, from the stored answers alone."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from orchestration.assets.captures import captures
from orchestration.assets.each_marketplace import materialize_each
from orchestration.partitions import HOURLY
from orchestration.run_plan import tick_of
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces import Marketplaces, WatchedMarketplace
from tickettape.observations import new_answer_fields, read_tick, ticks_with_answers


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

    The run of a tick reads all answers that have not been read yet, also of older ticks. A run on hours without a tick
    reads all stored answers of those hours again.
    """
    return materialize_each(context, warehouse, marketplaces, _read_answers)


def _read_answers(
    connection: Connection, watched: WatchedMarketplace, context: dg.AssetExecutionContext
) -> dict[str, Any]:
    """Read a marketplace's answers; what was in them."""
    settings, source = watched.settings, watched.source
    window = context.partition_time_window
    started, now = time.monotonic(), datetime.now(UTC)
    replay = tick_of(context.run.tags) is None
    counts: Counter[str] = Counter()
    rows, cheapest_cents, listings, tickets = 0, None, 0, 0
    kept_since = now - timedelta(days=settings.payload_days + 1)
    ticks = ticks_with_answers(connection, source, kept_since, window.end, only_received=True)
    if replay:
        again = ticks_with_answers(connection, source, window.start, window.end, only_received=False)
        ticks = sorted({*ticks, *again}, reverse=True)
    for number, tick in enumerate(ticks, 1):
        reread = replay and window.start <= tick < window.end
        verdicts, sections = read_tick(
            connection,
            watched.marketplace,
            tick,
            settings.partial_tolerance,
            context.run.run_id,
            only_received=not reread,
        )
        counts.update(verdict.status for verdict in verdicts)
        rows += len(sections)
        listings += sum(verdict.counted_listings or 0 for verdict in verdicts)
        tickets += sum(verdict.counted_tickets or 0 for verdict in verdicts)
        if cheapest_cents is None and len(sections):
            cheapest_cents = int(sections["lowest_price_cents"].min())
        if len(ticks) > 1:
            context.log.info("Read tick %s (%d of %d): %d sections.", tick, number, len(ticks), len(sections))
    new_fields = new_answer_fields(connection, source, now)
    return {
        "mode": "replay" if replay else "tick",
        "ticks": len(ticks),
        "answers read": counts.total(),
        "ok": counts["ok"],
        "empty": counts["empty"],
        "partial": counts["partial"],
        "rejected": counts["rejected"],
        "missing": counts["missing"],
        "rows": rows,
        "listings": listings,
        "tickets": tickets,
        "cheapest price": cheapest_cents / 100 if cheapest_cents is not None else "none",
        "new fields in the answers": ", ".join(new_fields) or "none",
        "oldest tick read": ticks[-1].isoformat() if ticks else "none",
        "seconds": round(time.monotonic() - started, 3),
    }
