"""The demo's event: linked and compared as soon as its two markets are known, and nowhere but in the demo."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from orchestration.asset_pages import BOX_OFFICE
from orchestration.definitions import build_defs
from orchestration.simulated_sales import SUMMARY_JOB, build_comparison_sensor, sales_of, sold_market
from tests.support.markets import PRODUCTION, watching
from tickettape.box_office import open_demo
from tickettape.catalogue import decide_link, event_links, upsert_events
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces import Marketplaces, WatchedMarketplace
from tickettape.marketplaces.simulator import FirstHandSales, SimulatedMarketplace
from tickettape.marketplaces.vividseats import VividSeats
from tickettape.settings import Settings

NOW = datetime.now(UTC)


@pytest.fixture
def watched() -> WatchedMarketplace:
    found = sold_market(Settings(), watching(SimulatedMarketplace(seed=1)))
    assert found is not None
    return found


@pytest.fixture
def external_id(connection: Connection, watched: WatchedMarketplace, monkeypatch: pytest.MonkeyPatch) -> str:
    """The demo's event, of which nobody has bought anything."""
    monkeypatch.setattr("tickettape.box_office.sample_data.sell_simulated_event", lambda *_: 0)
    open_demo(connection, sales_of(watched), NOW)
    return sales_of(watched).following(NOW).external_id


def asked(watched: WatchedMarketplace, warehouse: Warehouse) -> Any:
    """What the sensor wants now."""
    return build_comparison_sensor(watched, warehouse)()


def make_prices(connection: Connection, external_id: str) -> None:
    """The first tick has found the event, and its prices are rolled up."""
    upsert_events(connection, "simulator", [PRODUCTION | {"external_id": external_id}])
    connection.execute("create table analytics.daily_analytics as select id as event_id from market.events")


def test_both_markets_are_linked_and_compared_once_as_soon_as_both_are_known(
    connection: Connection, warehouse: Warehouse, watched: WatchedMarketplace, external_id: str
) -> None:
    assert "first tick" in asked(watched, warehouse).skip_message
    make_prices(connection, external_id)
    first, again = asked(watched, warehouse), asked(watched, warehouse)
    assert isinstance(first, dg.RunRequest)
    assert again.run_key == first.run_key  # which Dagster starts once
    (link,) = event_links(connection, "box_office", "simulator")
    assert (link.other_external_id, link.state, link.decided_by) == (external_id, "automatic", "simulator")
    connection.execute("create view analytics.primary_and_resale as select")
    connection.execute("create table analytics.sales_by_hour as select %s::bigint as event_id", [link.external_id])
    assert "side by side" in asked(watched, warehouse).skip_message


def test_what_a_person_refused_is_not_compared(
    connection: Connection, warehouse: Warehouse, watched: WatchedMarketplace, external_id: str
) -> None:
    make_prices(connection, external_id)
    row = connection.execute("select id::text from box_office.stored_events").fetchone()
    assert row
    decide_link(connection, ("box_office", row[0]), ("simulator", external_id), "refused", "Kim")
    assert "A person said" in asked(watched, warehouse).skip_message


def test_without_an_invented_event_on_sale_nothing_starts(warehouse: Warehouse, watched: WatchedMarketplace) -> None:
    assert "make serve" in asked(watched, warehouse).skip_message


def test_of_a_real_marketplace_or_with_real_money_nothing_is_invented(warehouse: Warehouse) -> None:
    real = WatchedMarketplace(
        Settings(marketplace_url="http://127.0.0.1:9"), VividSeats("http://127.0.0.1:9", "test", source="vividseats")
    )
    simulated = watching(SimulatedMarketplace(seed=1))
    for settings, marketplaces in (
        (Settings(), Marketplaces({"vividseats": real, **simulated})),
        (Settings(stripe_api_key=SecretStr("sk")), simulated),
    ):
        assert sold_market(settings, marketplaces) is None
        repository = build_defs(settings=settings, warehouse=warehouse, marketplaces=marketplaces).get_repository_def()
        assert "compare_simulated_event" not in {sensor.name for sensor in repository.sensor_defs}
        assert not repository.asset_graph.get(BOX_OFFICE.key).is_materializable
        assert BOX_OFFICE.key not in repository.get_job(SUMMARY_JOB).asset_layer.executable_asset_keys


def test_in_the_demo_the_summary_first_buys_what_was_sold(warehouse: Warehouse) -> None:
    defs = build_defs(warehouse=warehouse, marketplaces=watching(SimulatedMarketplace(seed=1)))
    repository = defs.get_repository_def()
    assert BOX_OFFICE.key in repository.get_job(SUMMARY_JOB).asset_layer.executable_asset_keys
    rollup = repository.asset_graph.get(dg.AssetKey("stg_box_office__reported_tickets"))
    assert BOX_OFFICE.key in rollup.parent_keys


def test_the_settings_say_which_market_is_sold() -> None:
    watched = sold_market(Settings(), watching(SimulatedMarketplace(seed=1)))
    assert watched is not None
    assert sales_of(watched) == FirstHandSales(Settings().simulator_seed, Settings().simulator_events)
