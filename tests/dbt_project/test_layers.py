"""The dbt project's layers: sources, staging, intermediate, marts; each model described beside its SQL."""

from pathlib import Path
from typing import Any

from dbt.artifacts.resources.types import NodeType
from dbt_common.events.base_types import EventMsg

from tests.support.dbt_runs import PLACE, manifest
from tickettape.rollups import ROLLUP_NAMES
from tickettape.rollups.dbt import dbt_runner, parsing_alone
from tickettape.settings import ROOT


def models(layer: str) -> list[Any]:
    nodes = manifest().nodes.values()
    return [node for node in nodes if node.resource_type == NodeType.Model and node.fqn[1] == layer]


def sources_of(node: Any) -> list[str]:
    return [parent for parent in node.depends_on.nodes if parent.startswith("source.")]


def test_a_staging_view_is_one_source_as_it_is() -> None:
    for model in models("staging"):
        (source,) = sources_of(model)
        _, _, schema, table = source.split(".")
        assert (model.fqn[2], model.name) == (schema, f"stg_{schema}__{table}")
        assert model.config.materialized == "view"
        lines = model.raw_code.splitlines()
        assert (lines[0], lines[-1]) == ("select", f"from {{{{ source('{schema}', '{table}') }}}}")
        assert all(line.strip(" ,").isidentifier() for line in lines[1:-1]), model.name


def test_marts_read_staging_and_no_source() -> None:
    past_staging = [model.name for model in [*models("intermediate"), *models("marts")] if "source(" in model.raw_code]
    assert past_staging == []


def test_every_model_is_described_beside_its_sql() -> None:
    for model in [*models("staging"), *models("intermediate"), *models("marts")]:
        described = Path(model.patch_path.partition("://")[2])
        assert described.parent == Path(model.original_file_path).parent, model.name
        if model.fqn[1] != "staging":
            assert described.stem == model.name


def test_every_mart_is_in_a_business_area_and_public() -> None:
    areas = {model.fqn[2]: model.config.group for model in models("marts")}
    names = ("prices", "inventory", "sales", "observation", "primary_market", "forecasts")
    assert areas == {area: area for area in names}
    assert {model.access.value for model in models("marts")} == {"public"}


def test_the_rollups_of_dbt_are_those_of_the_registry() -> None:
    assert {model.name for model in models("marts") if "rollup" in model.config.tags} == set(ROLLUP_NAMES)


def test_dbt_reads_the_project_without_a_warning() -> None:
    said: list[str] = []

    def note(event: EventMsg) -> None:
        info: Any = event.info
        if info.level in ("warn", "error"):
            said.append(info.msg)

    with parsing_alone():
        dbt_runner(callbacks=[note]).invoke(["parse", "--no-partial-parse", *PLACE, "--quiet"])
    assert said == []
    assert (ROOT / "profiles.yml").resolve() == ROOT / "profiles" / "profiles.yml"


def test_nothing_but_its_staging_view_reads_the_snapshots_that_are_rows_alone() -> None:
    """Past days are packed: a test or a model that reads `section_snapshots` would miss them."""
    rows = "source.tickettape.market.section_snapshots"
    alone = {node.name for node in manifest().nodes.values() if rows in getattr(node.depends_on, "nodes", [])}
    about_rows = {"snapshots_are_of_known_sections", "snapshot_prices_are_in_order"}
    assert alone == {"stg_market__section_snapshots", *about_rows}
