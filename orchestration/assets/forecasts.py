"""Forecasts: written after the tick of 00:00 UTC, scored and refitted at night."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg

from orchestration.failing_apart import failing_apart
from orchestration.partitions import HOURLY
from orchestration.run_plan import sources_of, tick_of
from tickettape.database import Warehouse, yield_to_live_work
from tickettape.forecasts import Refit, after_tick, measures, origin_of, ready, refit
from tickettape.marketplaces import Marketplaces
from tickettape.settings import Settings

MADE = "forecasts_are_made"


@dg.asset(
    partitions_def=HOURLY,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="serving",
    kinds={"postgres"},
    deps=["get_in_days", "zone_days", "estimated_sales"],
    check_specs=[dg.AssetCheckSpec(MADE, asset="forecasts", description="The forecasts of 00:00 UTC are made.")],
)
def forecasts(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    marketplaces: dg.ResourceParam[Marketplaces],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult[None]]:
    """What get-in prices and listing counts may do, said at 00:00 UTC and never changed. Other ticks do nothing here.

    A tick does not fail because of them. A backfill makes none: a forecast made afterwards would be none.
    """

    def make() -> Mapping[str, int | float | str]:
        tick = tick_of(context.run.tags)
        if tick is None or origin_of(tick) is None:
            return {"left": "Forecasts are made at the tick of 00:00 UTC."}
        with warehouse.connection() as connection:
            sources = sources_of(context.run.tags, marketplaces) if ready(connection) else []
            of = measures(settings)
            made = [after_tick(connection, source, tick, datetime.now(UTC), of) for source in sources]
        return {f"forecasts of {measure}": sum(one.get(measure, 0) for one in made) for measure in of}

    yield failing_apart(
        context,
        MADE,
        make,
        failed="Forecasts could not be made.",
        then="There are none of this day: a forecast is never made afterwards. The next ones are made at 00:00 UTC.",
    )


@dg.asset(group_name="upkeep", kinds={"postgres"})
def forecast_tables(
    warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult[None]:
    """Score what was forecast, look at the gates once a week, and fit new tables on the events that are over.

    Runs at night, and waits for live work before it begins. The UI plots its figures by night.
    """
    with warehouse.connection() as connection:
        if not ready(connection):
            return dg.MaterializeResult(metadata={"left": "dbt has made no daily prices yet. Run a tick first."})
        yield_to_live_work(connection)
        done = refit(connection, datetime.now(UTC), measures(settings))
    return dg.MaterializeResult(metadata=figures(done))


def figures(done: Sequence[Refit]) -> dict[str, int | float | str]:
    """What a night found, in numbers. A horizon of which nothing was scored yet has none."""
    found: dict[str, int | float | str] = {}
    for one in done:
        said: dict[str, int | float | str | None] = {
            "table": "none: fewer than 100 events are over" if one.version is None else one.version,
            "events over": one.events_over,
            "pairs": one.pairs,
            "open gates": one.open_gates,
        }
        for days, record in one.records.items():
            ahead = f"{days} {'day' if days == 1 else 'days'} ahead"
            said |= {
                f"L, {ahead}": record.error_ratio,
                f"80 % range held, {ahead}": record.coverage_80,
                f"pinball loss, {ahead}": record.pinball_loss,
                f"pinball loss of the last value, {ahead}": record.base_pinball_loss,
                f"forecasts scored, {ahead}": record.forecasts,
            }
        found |= {f"{one.measure}: {name}": value for name, value in said.items() if value is not None}
    return found
