"""Which failures of a dbt build cost the tick, and which only themselves."""

import pytest

from orchestration.broken_models import failed_nodes

MANIFEST = {
    "parent_map": {
        "model.tickettape.latest_prices": ["model.tickettape.event_days", "source.tickettape.market.claims"],
        "model.tickettape.event_days": ["model.tickettape.stg_market__captures"],
        "model.tickettape.mine": ["model.tickettape.latest_prices"],
        "test.tickettape.of_a_served_table.1": ["model.tickettape.latest_prices"],
        "test.tickettape.of_a_market_table.2": ["source.tickettape.market.voids"],
        "test.tickettape.of_mine.3": ["model.tickettape.mine", "model.tickettape.latest_prices"],
        "test.tickettape.of_another_source.4": ["source.tickettape.weather.forecasts"],
    }
}


@pytest.mark.parametrize(
    ("unique_id", "costs_the_tick"),
    [
        ("model.tickettape.latest_prices", True),
        ("model.tickettape.stg_market__captures", True),  # a served table reads it
        ("test.tickettape.of_a_served_table.1", True),
        ("test.tickettape.of_a_market_table.2", True),
        ("model.tickettape.mine", False),
        ("test.tickettape.of_mine.3", False),
        ("test.tickettape.of_another_source.4", False),
    ],
)
def test_what_tickettape_does_not_stand_on_fails_alone(unique_id: str, costs_the_tick: bool) -> None:
    beside, needed = failed_nodes({unique_id: "why"}, MANIFEST)
    name = unique_id.split(".")[2]
    assert (beside, needed) == (({}, [name]) if costs_the_tick else ({name: "why"}, []))
