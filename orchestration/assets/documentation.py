"""The dbt documentation as one page, rebuilt whenever a file of the dbt project changes."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource

from orchestration.assets.serving import api
from orchestration.console import ONE_LINE
from tickettape.api_schema import api_schema_exists
from tickettape.database import Warehouse
from tickettape.rollups import export_dbt_environment
from tickettape.settings import ROOT, Settings


@dg.asset(group_name="documentation", kinds={"dbt"}, deps=[api])
def documentation(dbt: DbtCliResource, settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """One page with every table, column, word and test, and the lineage. The service shows it at /docs/data."""
    export_dbt_environment(settings)
    fingerprint = models_fingerprint()
    invocation = dbt.cli(["docs", "generate", "--static"]).wait()
    page = (invocation.target_path / "static_index.html").read_bytes()
    site = settings.documentation
    site.parent.mkdir(parents=True, exist_ok=True)
    # written beside the page and then moved, so that nobody reads half a page
    written = site.with_suffix(".new")
    written.write_bytes(page)
    written.replace(site)
    _built_from(settings).write_text(fingerprint)
    return dg.MaterializeResult(metadata={"bytes": len(page), "page": dg.MetadataValue.path(site)})


build_documentation = dg.define_asset_job(
    "build_documentation",
    selection=dg.AssetSelection.assets(documentation),
    executor_def=dg.in_process_executor,
    config=ONE_LINE,
    description="The dbt documentation, one page.",
)


def build_documentation_sensor(settings: Settings, warehouse: Warehouse) -> dg.SensorDefinition:
    """Rebuild the documentation if it was built from other models than the current ones."""

    @dg.sensor(
        name="rebuild_documentation",
        job=build_documentation,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def rebuild_documentation() -> dg.RunRequest | dg.SkipReason:
        """Start one run per change of the models. If it fails, start it again in the next hour."""
        fingerprint, built_from = models_fingerprint(), _built_from(settings)
        if settings.documentation.exists() and built_from.exists() and built_from.read_text() == fingerprint:
            return dg.SkipReason("The documentation is up to date with the models.")
        with warehouse.connection() as connection:
            if not api_schema_exists(connection):
                return dg.SkipReason("The tables do not exist yet.")
        return dg.RunRequest(run_key=f"{fingerprint} {datetime.now(UTC):%Y-%m-%d %H}")

    return rebuild_documentation


def models_fingerprint() -> str:
    """A hash of all files of the dbt project: models, descriptions and tests."""
    digest = hashlib.sha256()
    files = [ROOT / "dbt_project.yml", *sorted(path for path in (ROOT / "dbt_project").rglob("*") if path.is_file())]
    for file in files:
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _built_from(settings: Settings) -> Path:
    return settings.documentation.with_suffix(".built-from")
