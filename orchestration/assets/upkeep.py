"""Upkeep of the database: delete Dagster's old runs, vacuum tables that changed a lot, measure its health."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from orchestration.metadata_tables import as_table
from orchestration.run_history import prune_runs
from tickettape.api_schema import SLOW_SECONDS, slowest_statements
from tickettape.archive import cold_bytes, months_with_data, storage_tiers
from tickettape.database import (
    HEALTH_CHECKS,
    Warehouse,
    judge_health,
    measure_health,
    table_activity,
    vacuum_is_due,
    vacuum_table,
)
from tickettape.file_storage import open_cold_storage
from tickettape.settings import Settings

SLOW_DAYS = timedelta(days=7)
OF_THE_SERVICE = (
    f"the service alone, if they took more than {SLOW_SECONDS:g} s, in the last week. The server does not have "
    "pg_stat_statements. docs/operations.md says how to add it."
)


@dg.asset(group_name="upkeep", kinds={"dagster"})
def dagster_history(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """Delete Dagster's old runs and events, but keep the newest materialization of each partition that has data."""
    with warehouse.connection() as connection:
        pruned = prune_runs(
            context.instance,
            connection,
            now=datetime.now(UTC),
            success_days=settings.dagster_run_days,
            failure_days=settings.dagster_failure_days,
            months=months_with_data(connection),
            say=context.log.info,
        )
    return dg.MaterializeResult(
        metadata={
            "runs deleted": pruned.deleted,
            "old runs kept": pruned.kept,
            "old runs left for next time": pruned.left,
            "check results deleted": pruned.check_rows,
        }
    )


@dg.asset(group_name="upkeep", kinds={"postgres"}, deps=[dagster_history])
def vacuumed_tables(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> dg.MaterializeResult[None]:
    """Vacuum and analyze the tables that have changed a lot."""
    rows: list[dict[str, Any]] = []
    with warehouse.connection() as connection:
        due = [table for table in table_activity(connection) if vacuum_is_due(table)]
        for number, table in enumerate(due, 1):
            seconds = vacuum_table(connection, table)
            context.log.info("%s.%s (%d of %d): %.1f s", table.schema, table.name, number, len(due), seconds)
            rows.append(
                {
                    "table": f"{table.schema}.{table.name}",
                    "dead rows": table.dead_rows,
                    "live rows": table.live_rows,
                    "seconds": seconds,
                }
            )
    return dg.MaterializeResult(
        metadata={
            "tables": len(rows),
            "dead rows": sum(table.dead_rows for table in due),
            "seconds": round(sum(row["seconds"] for row in rows), 3),
            "each": as_table(rows),
        }
    )


@dg.asset(
    group_name="upkeep",
    kinds={"postgres"},
    check_specs=[
        dg.AssetCheckSpec(name, asset="database_health", description=what) for name, what in HEALTH_CHECKS.items()
    ],
)
def database_health(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult[None]]:
    """Hourly figures: sizes, growth, indexes, statements, connections, dead rows, marks and future partitions."""
    stated, now = settings.warehouse_disk_gb, datetime.now(UTC)
    cold = _cold_bytes(context, settings)
    with warehouse.connection() as connection:
        found = measure_health(connection, now, stated_disk_bytes=int(stated * 1e9) if stated is not None else None)
        stored = storage_tiers(connection, found.sizes, cold)
        statements, whose = found.slow_statements, "everybody (pg_stat_statements)"
        if statements is None:
            statements, whose = slowest_statements(connection, (now - SLOW_DAYS).date()), OF_THE_SERVICE
    judged = judge_health(
        found, storage_days_left=settings.storage_days_left, connections_share=settings.connections_share
    )
    numbers = {
        "database bytes": found.database_bytes,
        "growth per day (bytes)": found.growth_a_day,
        "disk free (bytes)": found.disk.free if found.disk else None,
        "days until the disk is full": round(found.days_left, 1) if found.days_left is not None else None,
        "connections": found.connections,
        "transaction id age": found.xid_age,
        "marks": found.marks,
        "oldest mark (seconds)": round(found.oldest_mark_seconds),
        "partitions missing ahead": len(found.partitions_missing),
    }
    yield dg.MaterializeResult(
        metadata={
            **{name: number if number is not None else "not known" for name, number in numbers.items()},
            "sizes": as_table(found.sizes),
            "storage": as_table(
                [
                    {
                        "table": one.table,
                        "tier": one.tier,
                        "bytes": one.bytes,
                        "bytes a row": round(one.bytes_a_row, 1) if one.bytes_a_row is not None else None,
                        "growth a day": one.growth_a_day,
                    }
                    for one in stored
                ]
            ),
            "unused indexes": as_table(found.unused_indexes),
            "slowest statements": as_table(statements),
            "slowest statements, of": whose,
            "connections by state": as_table(found.connections_by_state),
            "dead rows": as_table(found.dead_rows),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=verdict.check,
                passed=verdict.passed,
                severity=dg.AssetCheckSeverity.ERROR if verdict.stops_us else dg.AssetCheckSeverity.WARN,
                description=verdict.why,
            )
            for verdict in judged
        ],
    )


def _cold_bytes(context: dg.AssetExecutionContext, settings: Settings) -> dict[str, int]:
    try:
        return cold_bytes(open_cold_storage(settings))
    except Exception as error:  # whatever failed there, the database is judged
        context.log.warning("The files in cold storage (%s) cannot be listed: %s", settings.cold_storage, error)
        return {}
