"""The program as Dagster loads it: `dagster dev` shows nothing at all where two of its names collide."""

import tomllib

import dagster as dg
import yaml

from orchestration.definitions import defs
from orchestration.partitions import HOURLY
from tickettape.settings import ROOT


def test_every_job_sensor_and_asset_loads_together() -> None:
    repository = defs.get_repository_def()
    repository.load_all_definitions()
    assert {"tick", "nightly_audit", "archive"} <= {job.name for job in repository.get_all_jobs()}


def test_every_asset_can_be_materialized_alone_and_the_hours_models_together() -> None:
    """As the UI does it, with all checks of what is chosen. A check of several assets must not need the others."""
    repository = defs.get_repository_def()
    graph = repository.asset_graph
    of_hours = {key for key in graph.materializable_asset_keys if graph.get(key).partitions_def == HOURLY}
    assert len(of_hours) > 20
    for chosen in [*({key} for key in graph.materializable_asset_keys), of_hours]:
        job = repository.get_maybe_subset_job_def("__ASSET_JOB", asset_selection=chosen)
        assert job
        assert job.asset_layer.executable_asset_keys == chosen


def test_a_backfill_of_many_hours_is_one_run_whatever_is_chosen() -> None:
    """Dagster takes the policy that runs most often, and warns at each start of the program."""
    graph = defs.get_repository_def().asset_graph
    of_hours = [key for key in graph.materializable_asset_keys if graph.get(key).partitions_def == HOURLY]
    assert {graph.get(key).backfill_policy for key in of_hours} == {dg.BackfillPolicy.single_run()}


def test_dg_and_dagster_load_the_same_module() -> None:
    """`dg` reads dg.toml. In pyproject.toml its table would make plain `dagster dev` ignore workspace.yaml."""
    project = tomllib.loads((ROOT / "dg.toml").read_text())["project"]
    (workspace,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    assert project["code_location_target_module"] == workspace["python_module"]["module_name"]
    assert project["code_location_name"] == workspace["python_module"]["location_name"]
    assert not {"dg", "dagster"} & set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"])
