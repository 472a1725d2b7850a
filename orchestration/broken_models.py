"""Decide whether a dbt model that failed fails the tick, or is only reported.

Tickettape needs the rollups, the relations that schema `api` serves, and the models that these read. If one of them or
one of their tests fails, the step fails. Any other failure is reported, and the tick continues.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliInvocation

from orchestration import dbt
from orchestration.assets.serving import api
from tickettape.api_schema import SERVED_RELATIONS

OWN_SOURCE = "source.tickettape.market."
TAG = "tickettape/models_not_built"
LONGEST_REASON = 200  # characters of dbt's message in the run's tag; the log has the whole message


def report(context: dg.AssetExecutionContext, build: DbtCliInvocation) -> None:
    """Report which models a build did not make, and why. Raises dbt's error if Tickettape needs one of them."""
    results = build.target_path / "run_results.json"
    if not results.exists():
        raise build.get_error() or RuntimeError("dbt ended without results.")
    ended = [one for one in json.loads(results.read_text())["results"] if one["status"] in ("error", "fail")]
    # a tick in which nothing failed needs no manifest, which is a megabyte
    failed, needed = failed_nodes(ended, json.loads(dbt.manifest().read_text())) if ended else ({}, [])
    if needed:
        raise build.get_error() or RuntimeError(f"dbt failed: {needed}")
    not_built = {**dbt.left_out(), **failed}
    for name, reason in not_built.items():
        context.log.error("Not built: %s. Everything that does not depend on it was built. dbt says: %s", name, reason)
    if not_built:
        short = {name: reason[:LONGEST_REASON] for name, reason in not_built.items()}
        context.instance.add_run_tags(context.run_id, {TAG: json.dumps(short)})


def failed_nodes(
    failures: Iterable[Mapping[str, Any]], manifest: Mapping[str, Any]
) -> tuple[dict[str, str], list[str]]:
    """What failed: the nodes that Tickettape does not need (name -> dbt's message), and the names of those it needs."""
    own = _stood_on(manifest)
    beside: dict[str, str] = {}
    needed: list[str] = []
    for result in failures:
        unique_id = result["unique_id"]
        name = unique_id.split(".")[2]
        about = [unique_id] if unique_id.startswith("model.") else manifest["parent_map"].get(unique_id, [])
        if all(one in own or one.startswith(OWN_SOURCE) for one in about):
            needed.append(name)
        else:
            beside[name] = str(result["message"])
    return beside, needed


def _stood_on(manifest: Mapping[str, Any]) -> set[str]:
    """The unique ids of the models that are served, with the models that they read."""
    found: set[str] = set()
    to_visit = [f"model.tickettape.{name}" for name in SERVED_RELATIONS]
    while to_visit:
        unique_id = to_visit.pop()
        if unique_id not in found:
            found.add(unique_id)
            parents = manifest["parent_map"].get(unique_id, [])
            to_visit += [parent for parent in parents if parent.startswith("model.")]
    return found


@dg.asset_check(asset=api)
def every_model_is_built(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """This run built every dbt model. One that fails, or that dbt cannot read, is named here."""
    run = context.instance.get_run_by_id(context.run.run_id)
    not_built: dict[str, str] = json.loads(run.tags.get(TAG, "{}")) if run else {}
    return dg.AssetCheckResult(
        passed=not not_built,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"models not built": len(not_built), **not_built},
        description=(
            f"Not built: {', '.join(not_built)}. Fix or remove these models. The next tick builds them again."
            if not_built
            else None
        ),
    )
