"""Decide whether a dbt model that failed fails the tick, or is only reported.

Tickettape needs the rollups, the relations that schema `api` serves, and the models that these read. If one of them or
one of their tests fails, the step fails. Any other failure is reported, and the tick continues.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliInvocation

from orchestration import dbt
from orchestration.assets.serving import api
from tickettape.api_schema import SERVED_RELATIONS

OWN_SOURCE = "source.tickettape.market."
TAG = "tickettape/models_not_built"
SOME_FAILED = 1  # dbt's exit code when it came to its end, and not everything succeeded
LONGEST_REASON = 200  # characters of dbt's message in the run's tag; the log has the whole message


def events(build: DbtCliInvocation, failures: dict[str, str]) -> Iterator[Any]:
    """The events of a build for Dagster, as `build.stream` has them. What failed is added to `failures`, unique id ->
    dbt's message.

    dbt's log ends with that. So a tick reads no run_results.json, and dbt need not write it: with it dbt writes its
    whole manifest, twice, which is a second of the four that a build takes.
    """
    for event in build.stream_raw_events():
        data, kind = event.raw_event["data"], event.raw_event["info"]["name"]
        about = data.get("node_info", {}).get("unique_id")
        if kind == "RunResultFailure":
            failures[about] = ""
        elif kind == "RunResultError" and about in failures:
            failures[about] = data["msg"]
        yield from event.to_default_asset_events(
            manifest=build.manifest,
            dagster_dbt_translator=build.dagster_dbt_translator,
            context=build.context,
            target_path=build.target_path,
            project=build.project,
        )


def report(context: dg.AssetExecutionContext, build: DbtCliInvocation, failures: Mapping[str, str]) -> None:
    """Report which models a build did not make, and why. Raises dbt's error if Tickettape needs one of them, or if dbt
    failed before it could say what did."""
    code = build.process.wait()
    if code not in (0, SOME_FAILED) or (code == SOME_FAILED and not failures):
        raise build.get_error() or RuntimeError("dbt ended without results.")
    # a tick in which nothing failed needs no manifest, which is a megabyte
    failed, needed = failed_nodes(failures, json.loads(dbt.manifest().read_text())) if failures else ({}, [])
    if needed:
        raise build.get_error() or RuntimeError(f"dbt failed: {needed}")
    not_built = {**dbt.left_out(), **failed}
    for name, reason in not_built.items():
        context.log.error("Not built: %s. Everything that does not depend on it was built. dbt says: %s", name, reason)
    if not_built:
        short = {name: reason[:LONGEST_REASON] for name, reason in not_built.items()}
        context.instance.add_run_tags(context.run_id, {TAG: json.dumps(short)})


def failed_nodes(failures: Mapping[str, str], manifest: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """What failed: the nodes that Tickettape does not need (name -> dbt's message), and the names of those it needs."""
    own = _stood_on(manifest)
    beside: dict[str, str] = {}
    needed: list[str] = []
    for unique_id, message in failures.items():
        name = unique_id.split(".")[2]
        about = [unique_id] if unique_id.startswith("model.") else manifest["parent_map"].get(unique_id, [])
        if all(one in own or one.startswith(OWN_SOURCE) for one in about):
            needed.append(name)
        else:
            beside[name] = message
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
