"""Months and events: create partitions ahead, move what is old to cold storage, and restore it.

`tickettape.archive` says what each step does and why it is safe.
"""

from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from orchestration import dbt as dbt_project
from orchestration.console import ONE_LINE
from orchestration.partitions import MONTHLY, month_of_partition
from tickettape.archive import (
    archive_due_events,
    run_archive,
    run_event_restore,
    run_restore,
)
from tickettape.database import (
    DAYS_AHEAD,
    MONTHS_AHEAD,
    Warehouse,
    finish_interrupted_detaches,
    make_partitions_ahead,
)
from tickettape.file_storage import open_cold_storage
from tickettape.marketplaces import Marketplaces
from tickettape.rollups import ROLLUPS_ALONE, export_dbt_environment
from tickettape.settings import Settings


@dg.asset(kinds={"postgres"}, group_name="months")
def partitions_ahead(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[None]:
    """The partitions for the next three months and seven days, created ahead so that no tick has to wait for one."""
    with warehouse.connection() as connection:
        repaired = finish_interrupted_detaches(connection)
        made = make_partitions_ahead(connection, datetime.now(UTC), months=MONTHS_AHEAD, days=DAYS_AHEAD)
    return dg.MaterializeResult(metadata={"made": made, "interrupted detaches finished": repaired})


@dg.asset(partitions_def=MONTHLY, kinds={"postgres", "parquet"}, group_name="months")
def archived_months(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """A month of facts in cold storage, compared with the database before it is removed from the database."""
    outcome = run_archive(
        warehouse,
        settings,
        month_of_partition(context.partition_key),
        refresh=lambda: refresh_once(settings),
        say=context.log.info,
    )
    return dg.MaterializeResult(
        metadata={
            "step": outcome.step,
            "cold storage": settings.cold_storage,
            "kept in the database, out of sight, for (days)": settings.keep_detached_days,
            **outcome.figures,
        }
    )


@dg.asset(kinds={"postgres", "parquet"}, group_name="box_office")
def archived_events(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """Seats, bookings and lines of events that are long over, in cold storage, compared before they are removed.

    An event that fails does not keep the others. The run then fails at its end, and says why.
    """
    with warehouse.connection() as connection:
        done = archive_due_events(
            connection,
            open_cold_storage(settings),
            now=datetime.now(UTC),
            days=settings.event_archive_days,
            say=context.log.info,
        )
    figures = {
        "events archived": len(done.archived),
        "rows": sum(event["rows"] for event in done.archived.values()),
        "Parquet bytes": sum(event["Parquet bytes"] for event in done.archived.values()),
        "held back": {str(event): why for event, why in done.held_back.items()},
    }
    if done.failed:
        raise dg.Failure(" ".join(done.failed.values()), metadata=figures)
    return dg.MaterializeResult(metadata=figures)


class MonthRestore(dg.Config):
    """How a month is restored."""

    until: str | None = None
    """The last day on which the month is kept in the database, such as 2026-12-31. None: until it is released."""
    replay_late: bool = False
    """Whether to read the rows that arrived for the month while it was archived."""


@dg.op
def restored_month(
    context: dg.OpExecutionContext,
    config: MonthRestore,
    warehouse: dg.ResourceParam[Warehouse],
    marketplaces: dg.ResourceParam[Marketplaces],
    settings: dg.ResourceParam[Settings],
) -> None:
    """Bring a month back from cold storage, equal to what was archived, and pin it."""
    figures = run_restore(
        warehouse,
        settings,
        marketplaces,
        month_of_partition(context.partition_key),
        until=_day(config.until),
        replay_late=config.replay_late,
        run_id=context.run_id,
        say=context.log.info,
    )
    context.add_output_metadata(figures)


@dg.job(partitions_def=MONTHLY, executor_def=dg.in_process_executor, config=ONE_LINE)
def restore_month() -> None:
    """Restore a month from cold storage, equal to what was archived, and pin it until a day or its release."""
    restored_month()


class EventRestore(dg.Config):
    """Which event of the box office is restored, and for how long."""

    event_id: int
    """The event's number, from `tickettape box-office sales`."""
    until: str | None = None
    """The last day on which the event is kept in the database, such as 2026-12-31. None: for 30 days."""


@dg.op
def restored_event(
    context: dg.OpExecutionContext,
    config: EventRestore,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> None:
    """Bring an event of the box office back from cold storage, equal to what was archived."""
    with warehouse.connection() as connection:
        figures = run_event_restore(
            connection,
            settings,
            config.event_id,
            until=_day(config.until),
            now=datetime.now(UTC),
            say=context.log.info,
        )
    context.add_output_metadata(figures)


NO_EVENT: dict[str, Any] = {"ops": {"restored_event": {"config": {"event_id": 0}}}}
"""What the UI shows to be filled in. Dagster accepts no default configuration without a value that is required."""


@dg.job(executor_def=dg.in_process_executor, config=ONE_LINE | NO_EVENT)
def restore_event() -> None:
    """Restore an event of the box office from cold storage, equal to what was archived, and keep it until a day."""
    restored_event()


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise dg.Failure(f"{text} is not a day. Write it like 2026-12-31.") from None


def refresh_once(settings: Settings) -> None:
    """Refresh the rollups once, with only the views that they read."""
    export_dbt_environment(settings)
    dbt_project.dbt_resource().cli([*ROLLUPS_ALONE, dbt_project.NO_FILES]).wait()
