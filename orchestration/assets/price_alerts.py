"""Price alerts: decide what a tick's prices tell. Sending is the sensor's (`orchestration/price_alerts.py`)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.failing_apart import failing_apart
from orchestration.run_plan import tick_of
from tickettape.database import Warehouse
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

    def decide() -> Mapping[str, int | float | str]:
        if tick_of(context.run.tags) is None:
            return {"skipped": "This is no live tick. Past hours tell nobody."}
        intervals = {
            source: timedelta(minutes=settings.of_source(source).scraper_interval_minutes)
            for source in settings.sources
        }
        with warehouse.connection() as connection:
            done = evaluate_alerts(connection, datetime.now(UTC), intervals)
        if done is None:
            return {"skipped": "Another evaluation is in progress."}
        return done.as_metadata()

    yield failing_apart(
        context,
        EVALUATED,
        decide,
        failed="Price alerts could not be decided.",
        then="The next tick tries again.",
    )
