"""Do a step of a run for each of its marketplaces. If one fails, the others are still done."""

from collections.abc import Callable
from typing import Any, TypeVar

import dagster as dg

from orchestration.metadata_tables import by_source
from orchestration.run_plan import sources_of
from tickettape.database import Connection, Warehouse, refusal_of
from tickettape.marketplaces import Marketplaces, WatchedMarketplace

Figures = dict[str, Any]
Step = Callable[[Connection, WatchedMarketplace, dg.AssetExecutionContext], dict[str, Figures]]
"""Does the work for one marketplace. Returns figures for the UI by partition (hour)."""

T = TypeVar("T")


def materialize_each(
    context: dg.AssetExecutionContext, warehouse: Warehouse, marketplaces: Marketplaces, step: Step
) -> dg.MaterializeResult[None]:
    """Do a step for every marketplace of the run, and record all figures at their partitions.

    If the run has one marketplace, its error is raised unchanged. If it has several, all are tried first; then
    dg.Failure names those that failed.
    """
    figures, failed = try_each(context, warehouse, marketplaces, step)
    by_partition = {
        partition: by_source(
            {source: found[partition] for source, found in figures.items() if partition in found},
            several=len(marketplaces) > 1,
        )
        for partition in context.partition_keys
    }
    if not failed:
        for partition, metadata in by_partition.items():
            context.add_asset_metadata(metadata, partition_key=partition)
        return dg.MaterializeResult()
    if len(figures) + len(failed) == 1:
        raise next(iter(failed.values()))
    reasons = "; ".join(f"{source}: {error}" for source, error in failed.items())
    raise dg.Failure(
        f"{len(failed)} of {len(figures) + len(failed)} marketplaces failed, and the others are done. {reasons}",
        metadata=next(iter(by_partition.values())) if len(by_partition) == 1 else {},
        allow_retries=any(getattr(error, "allow_retries", True) for error in failed.values()),
    )


def try_each(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    marketplaces: Marketplaces,
    step: Callable[[Connection, WatchedMarketplace, dg.AssetExecutionContext], T],
) -> tuple[dict[str, T], dict[str, Exception]]:
    """Do a step for every marketplace of the run. Returns the figures of those that succeeded, the errors of others."""
    figures: dict[str, T] = {}
    failed: dict[str, Exception] = {}
    for source in sources_of(context.run.tags, marketplaces):
        watched = marketplaces[source]
        try:
            with warehouse.connection() as connection:  # a new one each time: a failure may have broken the last one
                figures[source] = step(connection, watched, context)
        except Exception as error:  # whatever failed, the other marketplaces are still done
            refusal = refusal_of(error)
            context.log.exception("%s failed: %s", source, refusal.in_short if refusal else error)
            failed[source] = error
    return figures, failed
