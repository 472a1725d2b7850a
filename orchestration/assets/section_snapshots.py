"""The metrics of every section, from the stored answers alone."""

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import dagster as dg
import pandas as pd

from orchestration.assets.captures import captures
from orchestration.marketplaces import Marketplace
from orchestration.marketplaces.base import Inventory, Missing, Refused
from orchestration.metrics import section_metrics
from orchestration.partitions import HOURLY
from orchestration.resources import Warehouse
from orchestration.settings import Settings
from orchestration.ticks import tick_of
from orchestration.warehouse import Connection, catalogue, listings, quarantine, snapshots, voids
from orchestration.warehouse import captures as store
from orchestration.warehouse.catalogue import SeenZone
from orchestration.warehouse.listing_chain import Look
from orchestration.warehouse.listing_rows import microseconds
from orchestration.warehouse.snapshots import Verdict


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
    marketplace: dg.ResourceParam[Marketplace],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """The metrics of every section with inventory, one row per section and tick.

    A tick's run reads what was received and not read yet, of older ticks too. A run on hours without a tick
    reads all their stored answers again.
    """
    window = context.partition_time_window
    started = time.monotonic()
    replay = tick_of(context.run.tags) is None
    counts: Counter[str] = Counter()
    rows, cheapest, listings, tickets = 0, None, 0, 0
    with warehouse.connection() as connection:
        kept_since = datetime.now(UTC) - timedelta(days=settings.payload_days + 1)
        ticks = store.ticks_with_answers(connection, kept_since, window.end, only_received=True)
        if replay:
            again = store.ticks_with_answers(connection, window.start, window.end, only_received=False)
            ticks = sorted({*ticks, *again}, reverse=True)
        for number, tick in enumerate(ticks, 1):
            reread = replay and window.start <= tick < window.end
            verdicts, sections = read_tick(
                connection,
                marketplace,
                tick,
                settings.partial_tolerance,
                context.run.run_id,
                only_received=not reread,
            )
            counts.update(verdict.status for verdict in verdicts)
            rows += len(sections)
            listings += sum(verdict.counted_listings or 0 for verdict in verdicts)
            tickets += sum(verdict.counted_tickets or 0 for verdict in verdicts)
            if cheapest is None and len(sections):
                cheapest = int(sections["lowest_price_cents"].min()) / 100
            if len(ticks) > 1:
                context.log.info("Read tick %s (%d of %d): %d sections.", tick, number, len(ticks), len(sections))
    return dg.MaterializeResult(
        metadata={
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
            "cheapest price (USD)": cheapest if cheapest is not None else "none",
            "oldest tick read": ticks[-1].isoformat() if ticks else "none",
            "seconds": round(time.monotonic() - started, 3),
        }
    )


def read_tick(
    connection: Connection,
    marketplace: Marketplace,
    tick: datetime,
    tolerance: float,
    run_id: str,
    *,
    only_received: bool,
    event_key: int | None = None,
    voided_too: bool = False,
) -> tuple[list[Verdict], pd.DataFrame]:
    """Read a tick's stored answers (of one event) into snapshots, in one transaction; the verdicts and the rows.

    What was voided stays void; with `voided_too` it is read again like the rest, and counts as it then reads.
    """
    with connection.transaction():
        listings.lock(connection, tick, event_key)
        verdicts: list[Verdict] = []
        inventories: list[tuple[int, Inventory]] = []
        answers = store.lock_answers(
            connection, tick, only_received=only_received, event_key=event_key, voided_too=voided_too
        )
        for stored in answers:
            try:
                inventory = marketplace.read_listings(stored.answer, stored.external_id, tolerance)
            except Missing as missing:
                verdicts.append(Verdict(stored.event_key, "missing", str(missing)))
            except Refused as refused:
                verdicts.append(Verdict(stored.event_key, "rejected", str(refused)))
                quarantine.put(
                    connection,
                    source=marketplace.source,
                    external_id=stored.external_id,
                    tick=tick,
                    reason=str(refused),
                    payload=stored.answer,
                    run_id=run_id,
                )
            else:
                inventories.append((stored.event_key, inventory))
                verdicts.append(_verdict(stored.event_key, inventory))
        section_keys = _section_keys(connection, inventories)
        rows = _with_keys(section_metrics((key, inventory.listings) for key, inventory in inventories), section_keys)
        if verdicts and snapshots.replace(connection, tick, verdicts, rows):
            looks = _looks(connection, tick, inventories, section_keys)
            listings.write(connection, tick, dict.fromkeys(one.event_key for one in verdicts) | looks)
            voids.end(connection, [(one.event_key, tick) for one in answers if one.status == "void"], "replay")
    return verdicts, rows


def _verdict(event_key: int, inventory: Inventory) -> Verdict:
    return Verdict(
        event_key,
        inventory.status,
        "; ".join(inventory.contradictions) or None,
        stated_listings=inventory.stated_listings,
        stated_tickets=inventory.stated_tickets,
        counted_listings=inventory.counted_listings,
        counted_tickets=inventory.counted_tickets,
    )


def _section_keys(connection: Connection, inventories: list[tuple[int, Inventory]]) -> dict[tuple[int, str, str], int]:
    """(event_key, zone id, section id) -> section_key; zones and sections seen for the first time are made."""
    zone_keys = catalogue.ensure_zones(
        connection,
        (
            SeenZone(event_key, zone.zone_id, zone.name, zone.display_order)
            for event_key, inventory in inventories
            for zone in inventory.zones
        ),
    )
    section_keys = catalogue.ensure_sections(
        connection,
        {
            (event_key, zone_keys[event_key, section.zone_id], section.section_id): section.name
            for event_key, inventory in inventories
            for section in inventory.sections
        },
    )
    zone_ids = {(event_key, zone_key): zone_id for (event_key, zone_id), zone_key in zone_keys.items()}
    return {
        (event_key, zone_ids[event_key, zone_key], section_id): section_key
        for (event_key, zone_key, section_id), section_key in section_keys.items()
        if (event_key, zone_key) in zone_ids
    }


def _with_keys(metrics: pd.DataFrame, section_keys: Mapping[tuple[int, str, str], int]) -> pd.DataFrame:
    """A tick's section metrics with the warehouse's keys."""
    metrics["section_key"] = [
        section_keys[key] for key in zip(metrics["event_key"], metrics["zone_id"], metrics["section_id"], strict=True)
    ]
    return metrics


def _looks(
    connection: Connection,
    tick: datetime,
    inventories: list[tuple[int, Inventory]],
    section_keys: Mapping[tuple[int, str, str], int],
) -> dict[int, Look]:
    """What each answer shows, for the listing history."""
    lots = listings.lot_keys(
        connection, {(one.quantity, one.buyable) for _, inventory in inventories for one in inventory.listings}
    )
    at = microseconds(tick)
    looks = {}
    for event_key, inventory in inventories:
        sections = {
            (zone_id, section_id): section_keys[event_key, zone_id, section_id]
            for zone_id, section_id in {(one.zone_id, one.section_id) for one in inventory.listings}
        }
        offers = {
            (one.listing_id, sections[one.zone_id, one.section_id], one.row, lots[one.quantity, one.buyable]): (
                one.price_cents,
                one.all_in_price_cents or 0,
                _tenths(one.deal_score),
            )
            for one in inventory.listings
        }
        looks[event_key] = Look(at, inventory.status == "partial", offers)
    return looks


@lru_cache(maxsize=8_192)
def _tenths(deal_score: float | None) -> int:
    """A deal score as the history has it: the marketplace's are tenths from 0 to 10; -1 where there is none."""
    return round(deal_score * 10) if deal_score is not None and 0 <= deal_score <= 10 else -1
