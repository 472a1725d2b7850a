"""The catalogue: find the events of the tracking rules, refresh known events, retire those that are over."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from orchestration.assets.each_marketplace import try_each
from orchestration.metadata_tables import by_source
from tickettape.api_schema import revoke_demo_keys
from tickettape.catalogue import (
    TrackingRule,
    discover_events,
    due_tracking_rules,
    events_watched_at,
    follow_linked_events,
    record_discovery,
    record_discovery_outcome,
    retire_events,
    track_rule,
    tracking_rules,
    upsert_events,
)
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces import MarketplaceError, Marketplaces, Missing, Refused, WatchedMarketplace, is_simulated
from tickettape.observations import quarantine_refused

LEFT_OUT_SHOWN = 20


@dg.asset(kinds={"postgres"}, group_name="tick")
def events(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    marketplaces: dg.ResourceParam[Marketplaces],
) -> dg.MaterializeResult[None]:
    """All watched events, as the tracking rules find them. They are kept up to date, and retired when they are over.

    A failure is recorded for the check `discovery` but not raised, so that known events are still captured.
    """
    if not all(is_simulated(watched.settings) for watched in marketplaces.values()):
        with warehouse.connection() as connection:
            revoke_demo_keys(connection)
    figures, failed = try_each(context, warehouse, marketplaces, _refresh_events)
    figures |= {source: {"source": source, "failed because": _reason(error)} for source, error in failed.items()}
    with warehouse.connection() as connection:
        for source, found in figures.items():
            failures = [f"{rule}: {why}" for rule, why in found.get("rules that failed", {}).items()]
            if found.get("entries left out"):
                failures.append(f"{found['entries left out in all']} left out, such as {found['entries left out'][0]}")
            failures += [_reason(failed[source])] if source in failed else []
            record_discovery_outcome(connection, source, datetime.now(UTC), failure="; ".join(failures) or None)
    return dg.MaterializeResult(metadata=by_source(figures, several=len(marketplaces) > 1))


def _refresh_events(
    connection: Connection, watched: WatchedMarketplace, context: dg.AssetExecutionContext
) -> dict[str, Any]:
    """Ask a marketplace for the events of its due tracking rules. Returns figures."""
    marketplace, settings, source = watched.marketplace, watched.settings, watched.source
    now = datetime.now(UTC)
    every = timedelta(minutes=settings.catalogue_refresh_minutes)
    added = refreshed = 0
    failures: dict[str, str] = {}
    unknown: dict[str, str] = {}
    left_out: list[str] = []
    if marketplace.first_rule is not None and not tracking_rules(connection, source):
        track_rule(connection, source, *marketplace.first_rule)
    follow_linked_events(connection, source)
    for rule in due_tracking_rules(connection, source, now=now, every=every):
        try:
            found = asyncio.run(discover_events(marketplace, rule.kind, rule.value))
            with connection.transaction():
                new, changed = upsert_events(connection, source, map(asdict, found.events))
                record_discovery(connection, rule, [event.external_id for event in found.events], now)
        except Missing as nothing:  # not a failure: the marketplace will never know a past event again
            unknown[str(rule)] = str(nothing)
            context.log.info("%s stands for no event: %s", rule, nothing)
            continue
        except Exception as error:  # whatever failed, the other rules are still asked
            failures[str(rule)] = _reason(error)
            expected = isinstance(error, MarketplaceError)
            context.log.warning("%s was not refreshed: %s", rule, error, exc_info=None if expected else error)
            if isinstance(error, Refused):
                _quarantine(connection, source, rule, error, context)
            continue
        for refused in found.refused:  # the rule's other events are stored all the same
            _quarantine(connection, source, rule, refused, context)
            left_out.append(f"{rule}: {refused}")
        added, refreshed = added + new, refreshed + changed
    retired = retire_events(connection, source, now=now, misses_to_retire=settings.misses_to_retire)
    return {
        "source": source,
        "events watched": len(events_watched_at(connection, source, now)),
        "events added": added,
        "events refreshed": refreshed,
        "events retired": sum(retired.values()),
        "retired because": retired,
        "rules that failed": failures,
        "rules without an event": unknown,
        "entries left out": left_out[:LEFT_OUT_SHOWN],
        "entries left out in all": len(left_out),
    }


def _quarantine(
    connection: Connection, source: str, rule: TrackingRule, refused: Refused, context: dg.AssetExecutionContext
) -> None:
    quarantine_refused(
        connection,
        source=source,
        external_id=None,
        tick=None,
        reason=f"{rule}: {refused}",
        payload=refused.payload,
        run_id=context.run.run_id,
    )


def _reason(error: Exception) -> str:
    """Why it failed, for an operator. A marketplace's error is already a sentence; other errors get their type."""
    return str(error) if isinstance(error, MarketplaceError) else f"{type(error).__name__}: {error}"
