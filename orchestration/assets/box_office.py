"""The box office: its chores, its sales as dbt rolls them up, and whether its books agree.

Nothing here is part of a tick, and nothing runs where no event is sold (`orchestration/box_office_schedules.py`).
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from orchestration import dbt as dbt_project
from orchestration import dbt_tests
from orchestration.assets.marts import NOT_TESTED_HOURLY
from orchestration.background import CLAIM_LIMIT, in_background, progress_of
from orchestration.metadata_tables import as_table
from tickettape.api_schema import ApiNotReadyError, apply_api_schema
from tickettape.box_office import (
    Discrepancy,
    discrepancies,
    providers_of,
    reprice_events,
    send_notices,
    tidy,
    unsubscribe_page,
)
from tickettape.database import BusyError, Warehouse, yield_to_live_work
from tickettape.mail import smtp_server
from tickettape.rollups import export_dbt_environment, is_made, pending_sales, refresh_until
from tickettape.settings import Settings

SALES_ALONE = ("run", "--select", "+tag:sales_rollup")
OF_BOTH_MARKETS = "primary_and_resale"
LONGEST_WAIT = timedelta(seconds=10)  # for a backfill: a quarter of an hour's sales are few buckets


@dg.asset(group_name="box_office", kinds={"postgres"})
def tidied_orders(
    warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult[None]:
    """End orders and holds that have expired, finish payments, and offer what came free to those who wait.

    Each server process of the service does the same every few seconds. This is for when none runs.
    """
    with warehouse.connection() as connection:
        done = tidy(connection, providers_of(settings, warehouse))
    return dg.MaterializeResult(
        metadata={
            "orders ended": done.orders,
            "holds ended": done.bookings,
            "payments": done.payments,
            "offers": done.offers,
        }
    )


@dg.asset(group_name="box_office", kinds={"postgres"}, deps=[tidied_orders])
def notices(warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """Mail buyers what was decided: refunds, and offers to those who wait. Without a mail server nothing is sent."""
    if settings.box_office_smtp_url is None or settings.box_office_mail_from is None:
        return dg.MaterializeResult(metadata={"sent": 0, "why": "BOX_OFFICE_SMTP_URL or BOX_OFFICE_MAIL_FROM is unset"})
    with (
        warehouse.connection() as connection,
        smtp_server(settings.box_office_smtp_url.get_secret_value()) as send,
    ):
        counts = send_notices(connection, send, settings.box_office_mail_from, unsubscribe_page(settings))
    return dg.MaterializeResult(metadata=counts)


@dg.asset(group_name="box_office", kinds={"postgres"})
def seat_prices(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[None]:
    """Let the prices of free seats follow demand, for the events that ask for it."""
    with warehouse.connection() as connection:
        changed = reprice_events(connection)
    return dg.MaterializeResult(metadata={"seats with a new price": sum(changed.values()), "events": len(changed)})


@dbt_assets(
    manifest=dbt_project.manifest(),
    select="tag:box_office",
    exclude=NOT_TESTED_HOURLY,
    dagster_dbt_translator=dbt_project.Translator(),
    name="box_office_sales",
)
def box_office_sales(
    context: dg.AssetExecutionContext,
    dbt: DbtCliResource,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> Iterator[Any]:
    """Recompute the hours and events whose sales changed, then test. Live ticks go first."""
    limit = min(CLAIM_LIMIT, settings.claim_limit)
    export_dbt_environment(settings, claim_limit=limit)
    with warehouse.connection() as connection, in_background(connection, at_most=LONGEST_WAIT):

        def refresh_once() -> None:
            yield_to_live_work(connection)
            dbt.cli(SALES_ALONE, raise_on_error=False).wait()  # the build reports what fails

        refresh_until(lambda: pending_sales(connection), refresh_once, progress_of(context), until=limit)
        yield_to_live_work(connection)
        # before the first tick there is no resale market to compare with
        left_out = (
            NOT_TESTED_HOURLY if is_made(connection, "daily_analytics") else f"{NOT_TESTED_HOURLY} {OF_BOTH_MARKETS}"
        )
        build = dbt.cli(["build", "--exclude", left_out], context=context, raise_on_error=False)
        yield from dbt_tests.with_samples(build.stream(), build, warehouse)
        # tables that are new are served at once. Before the first tick there is nothing to serve
        with suppress(ApiNotReadyError, BusyError):
            apply_api_schema(connection, settings)
    if (error := build.get_error()) is not None:
        raise error


SUMMARY = dg.AssetKey("event_sales_summary")
KINDS = {
    "counters_are_counts": ("a tier", "an event's", "a seat"),
    "paid_means_tickets": ("tickets", "money without"),
    "money_adds_up": ("paid more",),
}
"""The checks of the books -> how the faults begin that they look for (`box_office.discrepancies`)."""


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec(
            "counters_are_counts", asset=SUMMARY, description="Stock and seats are what orders and bookings have."
        ),
        dg.AssetCheckSpec(
            "paid_means_tickets", asset=SUMMARY, description="What is paid has tickets, nothing else has."
        ),
        dg.AssetCheckSpec("money_adds_up", asset=SUMMARY, description="Nobody paid more than it costs."),
    ],
    can_subset=True,
)
def books(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[dg.AssetCheckResult]:
    """The box office's records agree with each other. Reads every row, so it runs at night."""
    if context.run.asset_selection:
        context.log.info("This run makes assets, so all rows are not looked at. The job `box_office_audit` does that.")
        return
    with warehouse.connection() as connection:
        found = discrepancies(connection)
    for key in context.selected_asset_check_keys:
        yield verdict(key, [fault for fault in found if fault.fault.startswith(KINDS[key.name])])


def verdict(key: dg.AssetCheckKey, faults: list[Discrepancy]) -> dg.AssetCheckResult:
    """Passed if there is no fault of its kind."""
    rows = [
        {"fault": one.fault, "id": one.id, "found": str(one.found), "expected": str(one.expected)} for one in faults
    ]
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=not faults,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"faults": len(faults), **({"faults (up to 20)": as_table(rows[:20])} if rows else {})},
        description=f"{len(faults)} faults, such as {faults[0]}. `tickettape box-office sales` shows all."
        if faults
        else None,
    )
