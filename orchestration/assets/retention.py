"""Retention: delete old raw answers, jobs and logs, move old hours to cold storage, add up old request counts."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from tickettape.api_schema import SERVICE_MINUTES_KEPT, delete_slow_statements_before, fold_service_minutes
from tickettape.archive import (
    HourlyStorageError,
    hourly_months_due,
    hourly_months_pinned,
    hourly_months_present,
    move_hours_to_cold_storage,
)
from tickettape.box_office import forget_old
from tickettape.catalogue import delete_event_views_before
from tickettape.database import Warehouse, months_before
from tickettape.file_storage import open_cold_storage
from tickettape.observations import (
    VIEWS_WINDOW,
    delete_replayed_before,
    expire_jobs,
    expire_logs,
    expire_payloads,
    forget_catalogue_entries,
)
from tickettape.settings import Settings

BUSY = dg.RetryPolicy(max_retries=3, delay=120)
"""A dump or a reader can lock a table for a while. A step that gave up waiting for the lock tries again."""


@dg.asset(group_name="upkeep", kinds={"postgres"}, retry_policy=BUSY)
def expired_payloads(
    warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult[None]:
    """Drop raw answers older than PAYLOAD_DAYS, a whole day at a time, and what catalogues said CATALOGUE_DAYS ago."""
    now, forgotten = datetime.now(UTC), 0
    with warehouse.connection() as connection:
        dropped, lost = expire_payloads(connection, now, days=settings.payload_days)
        for source in settings.catalogues:
            days = settings.of_source(source).catalogue_days
            forgotten += sum(forget_catalogue_entries(connection, source, now - timedelta(days=days)))
    return dg.MaterializeResult(
        metadata={
            "days dropped": len(dropped),
            "partitions": dropped,
            "answers lost unread": lost,
            "catalogue entries deleted": forgotten,
        }
    )


@dg.asset(group_name="upkeep", kinds={"postgres", "parquet"}, retry_policy=BUSY)
def expired_hours(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """Move months of hours older than HOURLY_MONTHS to cold storage: export, read back, compare, then delete."""
    storage = open_cold_storage(settings)
    moved, kept = [], {}
    with warehouse.connection() as connection:
        due, held_back = hourly_months_due(
            hourly_months_present(connection),
            hourly_months_pinned(connection),
            now=datetime.now(UTC),
            months=settings.hourly_months,
        )
        for month in due:
            try:
                moved.append(move_hours_to_cold_storage(connection, storage, month))
            except HourlyStorageError as error:
                context.log.warning("%s", error)
                kept[month] = str(error)
    rows = sum(sum(month.rows.values()) for month in moved)
    size = sum(month.bytes for month in moved)
    return dg.MaterializeResult(
        metadata={
            "months moved": [f"{month.month:%Y-%m}" for month in moved],
            "rows": rows,
            "bytes": size,
            "bytes a row": round(size / rows, 1) if rows else 0.0,
            "cold storage": str(storage),
            "held back": {f"{month:%Y-%m}": why for month, why in (held_back | kept).items()},
        }
    )


@dg.asset(group_name="upkeep", kinds={"postgres"})
def expired_jobs(
    warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult[None]:
    """Delete jobs older than SCRAPER_JOBS_MONTHS, log lines and replayed refusals older than SCRAPER_LOGS_MONTHS,
    event views that no longer influence the polling, and what the box office has kept for long enough."""
    now = datetime.now(UTC)
    with warehouse.connection() as connection:
        forgotten = delete_event_views_before(connection, now - 2 * VIEWS_WINDOW)
        lines = expire_logs(connection, now, months=settings.scraper_logs_months)
        jobs = expire_jobs(connection, now, months=settings.scraper_jobs_months)
        replayed = delete_replayed_before(connection, months_before(now, settings.scraper_logs_months))
        forget_old(connection)
    return dg.MaterializeResult(
        metadata={
            "log lines deleted": lines,
            "jobs deleted": jobs,
            "replayed refusals deleted": replayed,
            "hours of views deleted": forgotten,
        }
    )


@dg.asset(group_name="upkeep", kinds={"postgres"})
def service_history(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[None]:
    """The request counts of the service, by minute. Old minutes are added up, old slow statements deleted."""
    before = datetime.now(UTC) - SERVICE_MINUTES_KEPT
    with warehouse.connection() as connection:
        folded = fold_service_minutes(connection, before)
        forgotten = delete_slow_statements_before(connection, before.date())
    return dg.MaterializeResult(metadata={"minutes added up": folded, "slow statements deleted": forgotten})
