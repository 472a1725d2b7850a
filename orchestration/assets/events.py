"""The catalogue: new events of the tracked rules, refreshed ones, retired ones."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import dagster as dg

from tickettape.catalogue import (
    discover_events,
    due_tracking_rules,
    events_watched_at,
    record_discovery,
    retire_events,
    track_rule,
    tracking_rules,
    upsert_events,
)
from tickettape.database import Warehouse
from tickettape.marketplaces import Marketplace, MarketplaceError, Refused
from tickettape.observations import quarantine_refused
from tickettape.settings import Settings


@dg.asset(kinds={"postgres"}, group_name="tick")
def events(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    marketplace: dg.ResourceParam[Marketplace],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """Every event that is watched: found by the tracked rules, kept up to date, retired when past."""
    now = datetime.now(UTC)
    every = timedelta(minutes=settings.catalogue_refresh_minutes)
    added = refreshed = 0
    failures: dict[str, str] = {}
    with warehouse.connection() as connection:
        if marketplace.source == "simulator" and not tracking_rules(connection, "simulator"):
            # the first start shows something: all simulated events carry this word in their names
            track_rule(connection, "simulator", "search", "simulated")
        for rule in due_tracking_rules(connection, marketplace.source, now=now, every=every):
            try:
                events = asyncio.run(discover_events(marketplace, rule.kind, rule.value))
            except MarketplaceError as error:
                failures[str(rule)] = str(error)
                context.log.warning("%s was not refreshed: %s", rule, error)
                if isinstance(error, Refused):
                    quarantine_refused(
                        connection,
                        source=marketplace.source,
                        external_id=None,
                        tick=None,
                        reason=f"{rule}: {error}",
                        payload=error.payload,
                        run_id=context.run.run_id,
                    )
                continue
            with connection.transaction():
                new, changed = upsert_events(connection, rule.source, map(asdict, events))
                record_discovery(connection, rule, [p.external_id for p in events], now)
            added, refreshed = added + new, refreshed + changed
        retired = retire_events(connection, marketplace.source, now=now, misses_to_retire=settings.misses_to_retire)
        watched = events_watched_at(connection, marketplace.source, now)
    return dg.MaterializeResult(
        metadata={
            "source": marketplace.source,
            "events watched": len(watched),
            "events added": added,
            "events refreshed": refreshed,
            "events retired": sum(retired.values()),
            "retired because": retired,
            "rules that failed": failures,
        }
    )
