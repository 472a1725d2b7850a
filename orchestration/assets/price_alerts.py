"""Price alerts: decide what a tick's prices tell. Sending is the sensor's (`orchestration/price_alerts.py`)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.run_plan import tick_of
from tickettape.database import Warehouse, refusal_of
from tickettape.price_alerts import evaluate_alerts
from tickettape.settings import Settings

EVALUATED = "price_alerts_are_evaluated"


@dg.asset(
    group_name="serving",
    kinds={"postgres"},
    deps=["latest_prices"],
    check_specs=[
        dg.AssetCheckSpec(EVALUATED, asset="price_alerts", description="The tick's price alerts are decided.")
    ],
)
def price_alerts(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> Iterator[dg.MaterializeResult[None]]:
    """Decide what the rules of price alerts tell. A tick does not fail because of them, and a backfill tells nobody."""
    if tick_of(context.run.tags) is None:
        yield _done({"skipped": "This is no live tick. Past hours tell nobody."}, passed=True)
        return
    intervals = {
        source: timedelta(minutes=settings.of_source(source).scraper_interval_minutes) for source in settings.sources
    }
    try:
        with warehouse.connection() as connection:
            done = evaluate_alerts(connection, datetime.now(UTC), intervals)
    except Exception as error:  # the prices are there, and the next tick tries again
        context.log.exception("Price alerts could not be decided.")
        refusal = refusal_of(error)
        why = refusal.in_short if refusal else f"{type(error).__name__}: {error}"
        yield _done({"failed": why}, passed=False, why=f"{why} The run's log has the error. The next tick tries again.")
        return
    if done is None:
        yield _done({"skipped": "Another evaluation is in progress."}, passed=True)
        return
    yield _done(done.as_metadata(), passed=True)


def _done(
    metadata: Mapping[str, int | float | str], *, passed: bool, why: str | None = None
) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(
        metadata=metadata,
        check_results=[
            dg.AssetCheckResult(
                check_name=EVALUATED, passed=passed, severity=dg.AssetCheckSeverity.WARN, description=why
            )
        ],
    )
