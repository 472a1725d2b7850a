"""dbt's tests as Dagster shows them: which asset a test is about, and rows that fail it.

What a test asks is in dbt_project (models/**/*.yml and tests/); running dbt belongs to whoever runs it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import dagster as dg
from dagster_dbt import DbtCliInvocation

from orchestration.dbt import OWN_ASSETS, Translator, manifest
from orchestration.metadata_tables import as_table
from tickettape.database import Warehouse
from tickettape.rollups import SAMPLE_ROWS, AuditFinding, Row, failing_rows


@dataclass(frozen=True)
class DataTest:
    """A test of the data, and the asset it is about."""

    unique_id: str
    name: str
    about: dg.AssetKey
    severity: Literal["error", "warn"]
    compiled: Path
    """Its query, below dbt's target folder, after a run."""

    rule: str
    """The first sentence of its description."""


@cache
def data_tests() -> dict[str, DataTest]:
    """Every test of the data by its unique id, the nightly ones too; unit tests are tests of the SQL and not here."""
    parsed = json.loads(manifest().read_text())
    return {
        unique_id: DataTest(
            unique_id=unique_id,
            name=node["name"],
            about=_about(node, {**parsed["nodes"], **parsed["sources"]}),
            severity="warn" if node["config"]["severity"].lower() == "warn" else "error",
            compiled=Path("compiled") / node["package_name"] / _written_to(node),
            rule=_first_sentence(node.get("description") or node["name"].replace("_", " ")),
        )
        for unique_id, node in parsed["nodes"].items()
        if node["resource_type"] == "test"
    }


def tables_of_the_box_office() -> set[str]:
    """The assets whose tests are run only where tickets are sold."""
    parsed = json.loads(manifest().read_text())
    tests = data_tests()
    return {
        tests[unique_id].about.to_user_string()
        for unique_id, node in parsed["nodes"].items()
        if unique_id in tests and "box_office" in node["tags"]
    }


def _about(test: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> dg.AssetKey:
    """The asset that the test's meta names, else the one it hangs on, else the first it reads."""
    named = test["config"].get("meta", {}).get("dagster", {}).get("ref", {}).get("name")
    if named:
        node = next(n for n in nodes.values() if n["resource_type"] == "model" and n["name"] == named)
    else:
        node = nodes[test.get("attached_node") or test["depends_on"]["nodes"][0]]
    return Translator().get_asset_key(node)


def _written_to(test: Mapping[str, Any]) -> Path:
    generic = bool(test.get("test_metadata"))
    return Path(test["original_file_path"]) / test["path"] if generic else Path(test["original_file_path"])


def with_samples(events: Iterable[Any], invocation: DbtCliInvocation, warehouse: Warehouse) -> Iterator[Any]:
    """The events of a dbt run, with some failing rows in the metadata of every test that did not pass.

    A test of a model is a check of its asset; one of a source, an observation of the assets that write it.
    """
    for event in events:
        if isinstance(event, dg.AssetCheckResult | dg.AssetObservation):
            test = data_tests().get(str(_plain(event.metadata.get("unique_id"))))
            if test is not None and _plain(event.metadata.get("status")) in ("fail", "warn"):
                query = (invocation.target_path / test.compiled).read_text()
                with warehouse.connection() as connection:
                    sample = sample_metadata(failing_rows(connection, query))
                count = _plain(event.metadata.get("dagster_dbt/failed_row_count"))
                wrong = f"{count if count is not None else 'Some'} rows fail {test.name}: {test.rule}"
                what_next = f"Rows: below. {what_to_do(test.about, test.name, test.severity)}"
                yield event._replace(metadata={**event.metadata, **sample}, description=f"{wrong} {what_next}")
                continue
        yield event


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, dg.MetadataValue) else value


def what_to_do(about: dg.AssetKey, test: str, severity: str) -> str:
    """What somebody who reads that a test failed does next."""
    every_row = f"`tickettape dbt show --select {test}` shows more."
    if severity == "warn":
        return f"{every_row} A real market may do this; `tickettape void` takes a capture out that is wrong."
    if about.to_user_string() in OWN_ASSETS:
        return f"{every_row} Read their hours again with `tickettape replay`."
    return f"{every_row} Recompute their hours with `tickettape rebuild`."


def _first_sentence(text: str) -> str:
    return f"{' '.join(text.split()).partition('. ')[0].rstrip('.')}."


def sample_metadata(sample: Sequence[Row]) -> dict[str, dg.MetadataValue]:
    """Failing rows as a table that the UI draws; nothing where there are none."""
    return {f"failing rows (up to {SAMPLE_ROWS})": as_table(sample)} if sample else {}


def audit_findings(run_results: Mapping[str, Any], warehouse: Warehouse, *, since: str) -> list[AuditFinding]:
    """What a run of the tests found (dbt's run_results.json), with some rows of those that did not pass."""
    found = []
    for result in run_results["results"]:
        test = data_tests().get(result["unique_id"])
        if test is None or result["status"] == "skipped":
            continue
        sample: tuple[Row, ...] = ()
        if result["status"] in ("fail", "warn") and result.get("compiled_code"):
            with warehouse.connection() as connection:
                sample = failing_rows(connection, result["compiled_code"], since=since)
        found.append(
            AuditFinding(
                about=test.about.to_user_string(),
                test=test.name,
                severity=test.severity,
                status=result["status"],
                failures=result["failures"],
                seconds=round(result["execution_time"], 3),
                message=result["message"],
                sample=sample,
            )
        )
    return found
