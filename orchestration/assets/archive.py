"""The life of the months: partitions made ahead, old months into cold storage, and back.

What each step does and why it is safe: `warehouse.archive` and `warehouse.restore`.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from orchestration import dbt as dbt_project
from orchestration.partitions import MONTHLY, month_of_partition
from tickettape.archive import archive_month as archive
from tickettape.archive import archived_month_replay as late
from tickettape.archive import restore_month as restore
from tickettape.database import partitions
from tickettape.marketplaces import Marketplace
from tickettape.resources import Warehouse, cold_storage_of
from tickettape.settings import Settings

MONTHS_AHEAD = 3
DAYS_AHEAD = 7


@dg.asset(kinds={"postgres"}, group_name="life")
def partitions_ahead(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[None]:
    """The partitions of the next three months and seven days, so that no tick waits for one to be made."""
    with warehouse.connection() as connection:
        repaired = partitions.finish_detaches(connection)
        made = partitions.make_ahead(connection, datetime.now(UTC), months=MONTHS_AHEAD, days=DAYS_AHEAD)
    return dg.MaterializeResult(metadata={"made": made, "interrupted detaches finished": repaired})


@dg.asset(partitions_def=MONTHLY, kinds={"postgres", "parquet"}, group_name="life")
def archived_months(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """A month of captures and snapshots in cold storage, compared with the database before it leaves there."""
    outcome = run_archive(warehouse, settings, month_of_partition(context.partition_key), say=context.log.info)
    return dg.MaterializeResult(
        metadata={
            "step": outcome.step,
            "cold storage": settings.cold_storage,
            "kept in the database, out of sight, for (days)": settings.keep_detached_days,
            **outcome.figures,
        }
    )


class Restore(dg.Config):
    """How a month comes back."""

    until: str | None = None
    """The last day it is kept in the database, 2026-12-31; none: until it is released."""
    replay_late: bool = False
    """Whether what came for the month while it was archived is read now."""


@dg.op
def restored_month(
    context: dg.OpExecutionContext,
    config: Restore,
    warehouse: dg.ResourceParam[Warehouse],
    marketplace: dg.ResourceParam[Marketplace],
    settings: dg.ResourceParam[Settings],
) -> None:
    """Bring a month back from cold storage, equal to what was archived, and pin it."""
    figures = run_restore(
        warehouse,
        settings,
        marketplace,
        month_of_partition(context.partition_key),
        until=date.fromisoformat(config.until) if config.until else None,
        replay_late=config.replay_late,
        run_id=context.run_id,
        say=context.log.info,
    )
    context.add_output_metadata(figures)


@dg.job(partitions_def=MONTHLY, executor_def=dg.in_process_executor)
def restore_month() -> None:
    """A month back from cold storage, equal to what was archived, pinned until its day or its release."""
    restored_month()


def run_archive(
    warehouse: Warehouse, settings: Settings, month: date, *, say: Callable[[str], None]
) -> archive.Outcome:
    """Take a month's archive as far as it may go today: what the asset and `tickettape archive` do."""
    with warehouse.connection() as connection:
        return archive.archive_month(
            connection,
            cold_storage_of(settings),
            month,
            refresh=lambda: refresh_rollups(settings),
            now=datetime.now(UTC),
            keep_detached_days=settings.keep_detached_days,
            say=say,
        )


def run_restore(
    warehouse: Warehouse,
    settings: Settings,
    marketplace: Marketplace,
    month: date,
    *,
    until: date | None,
    replay_late: bool,
    run_id: str,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Bring a month back, and what waited for it: what the job and `tickettape restore` do."""
    with warehouse.connection() as connection:
        figures = restore.restore_month(connection, cold_storage_of(settings), month, until=until, say=say)
        waiting = late.waiting(connection, marketplace, month)
        if replay_late:
            replayed = late.replay(connection, marketplace, month, settings.partial_tolerance, run_id)
            figures |= {"late answers and rows replayed": replayed}
        else:
            figures |= {"ticks waiting in quarantine": waiting}
    return figures


def refresh_rollups(settings: Settings) -> None:
    """One refresh of the rollups alone."""
    dbt_project.export_environment(settings)
    dbt_project.cli().cli(["run", "--select", "path:dbt_project/models/marts/rollups"]).wait()
