"""The assets of forecasts: after which ticks they are made, and what a night says of them."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from orchestration.assets.forecasts import figures, forecast_tables, forecasts
from orchestration.partitions import partition_of
from orchestration.run_plan import SOURCE_TAG, TICK_TAG
from tests.support.dbt_runs import run_dbt
from tests.support.forecast_history import DAY, add_events, observe_days
from tests.support.markets import watching
from tickettape.database import Connection, Warehouse
from tickettape.forecasts import Refit
from tickettape.forecasts.skill import Record
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.settings import Settings

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


class Midnight(datetime):
    """The clock, two minutes after the day's first tick."""

    @classmethod
    def now(cls, tz: object = None) -> "Midnight":
        del tz
        return cls.fromisoformat((TODAY + timedelta(minutes=2)).isoformat())


def run(tick: datetime, warehouse: Warehouse, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """The asset after a tick of the simulator."""
    return dg.materialize(
        [forecasts],
        partition_key=partition_of(tick),
        instance=instance,
        tags={TICK_TAG: tick.isoformat(), SOURCE_TAG: "simulator"},
        resources={
            "warehouse": warehouse,
            "marketplaces": watching(SimulatedMarketplace(seed=1, events=1)),
            "settings": Settings(),
        },
    )


def after(tick: datetime, warehouse: Warehouse, instance: dg.DagsterInstance) -> dict[str, object]:
    """What the asset says after a tick of the simulator."""
    done = run(tick, warehouse, instance)
    (check,) = done.get_asset_check_evaluations()
    assert check.passed
    (made,) = done.asset_materializations_for_node("forecasts")
    return {name: value.value for name, value in made.metadata.items()}


def test_forecasts_are_made_after_the_tick_of_midnight_and_scored_at_night(
    connection: Connection, warehouse: Warehouse, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.assets.forecasts.datetime", Midnight)
    assert after(TODAY, warehouse, instance) == {
        "forecasts of get_in": 0,
        "forecasts of listings": 0,
        "forecasts of sales": 0,
    }  # no tick yet
    run_dbt("run", "--select", "+tag:rollup", "+get_in_days", "+zone_days", "+estimated_sales")
    (key,) = add_events(connection, [TODAY + 9 * DAY], source="simulator")
    observe_days(connection, [(key, TODAY, 80.0, 30)])
    ten = timedelta(minutes=10)
    assert after(TODAY + ten, warehouse, instance) == {"left": "Forecasts are made at the tick of 00:00 UTC."}
    assert after(TODAY, warehouse, instance) == {
        "forecasts of get_in": 3,
        "forecasts of listings": 3,
        "forecasts of sales": 0,
    }
    night = dg.materialize(
        [forecast_tables], instance=instance, resources={"warehouse": warehouse, "settings": Settings()}
    )
    (made,) = night.asset_materializations_for_node("forecast_tables")
    said = {name: value.value for name, value in made.metadata.items()}
    assert said["get_in: table"] == "none: fewer than 100 events are over"
    assert said["listings: open gates"] == 0


def test_a_tick_does_not_fail_with_its_forecasts(
    connection: Connection, warehouse: Warehouse, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.assets.forecasts.datetime", Midnight)
    for view in ("get_in_days", "zone_days", "estimated_sales"):
        connection.execute(f"create schema if not exists analytics; create view analytics.{view} as select 1 as wrong")
    done = run(TODAY, warehouse, instance)
    assert done.success
    (check,) = done.get_asset_check_evaluations()
    assert not check.passed
    assert check.description is not None
    assert "There are none of this day" in check.description


def test_a_nights_figures_are_numbers_by_horizon_so_that_the_ui_plots_them() -> None:
    records = {1: Record(310, 0.97, 0.79, 0.03, 0.031), 7: Record(280, None, 1.0, 0.0, 0.0)}
    found = figures([Refit("get_in", 4, 150, 9_000, 1, records), Refit("sales", None, 20, 0, 0, {})])
    assert {name: value for name, value in found.items() if name.startswith("get_in: ")} == {
        "get_in: table": 4,
        "get_in: events over": 150,
        "get_in: pairs": 9_000,
        "get_in: open gates": 1,
        "get_in: L, 1 day ahead": 0.97,
        "get_in: 80 % range held, 1 day ahead": 0.79,
        "get_in: pinball loss, 1 day ahead": 0.03,
        "get_in: pinball loss of the last value, 1 day ahead": 0.031,
        "get_in: forecasts scored, 1 day ahead": 310,
        "get_in: 80 % range held, 7 days ahead": 1.0,  # nothing moved, so there is no L
        "get_in: pinball loss, 7 days ahead": 0.0,
        "get_in: pinball loss of the last value, 7 days ahead": 0.0,
        "get_in: forecasts scored, 7 days ahead": 280,
    }
    assert {type(value) for name, value in found.items() if name != "sales: table"} <= {int, float}
