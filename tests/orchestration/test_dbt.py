"""How the dbt project's sources appear in Dagster."""

import dagster as dg
import pytest

from orchestration.dbt import Translator


@pytest.mark.parametrize(
    ("source", "table", "key"),
    [
        ("market", "captures", ["captures"]),  # the asset that writes it
        ("market", "zones", ["section_snapshots"]),
        ("market", "voids", ["market", "voids"]),
        ("weather", "forecasts", ["weather", "forecasts"]),
        ("weather", "captures", ["weather", "captures"]),  # named like one of ours, and another's
    ],
)
def test_a_source_is_the_asset_that_writes_it_and_another_schema_keeps_its_name(
    source: str, table: str, key: list[str]
) -> None:
    asset = Translator().get_asset_key({"resource_type": "source", "source_name": source, "name": table})
    assert asset == dg.AssetKey(key)
