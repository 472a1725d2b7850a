"""Where the dbt project is, how its models appear in Dagster, and how it is called."""

import filecmp
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject
from packaging.version import Version

from tickettape.rollups import DBT_EXECUTABLE
from tickettape.settings import ROOT

if TYPE_CHECKING:
    pass

PROJECT = DbtProject(project_dir=ROOT, profiles_dir=ROOT / "profiles", target="warehouse")
PARTLY_PARSED = "partial_parse.msgpack"
PARSED_FROM = ("dbt_project.yml", "dbt_project", "profiles")

_SOURCE_ASSETS = {
    "zones": "section_snapshots",
    "sections": "section_snapshots",
    "claims": "section_snapshots",
    **dict.fromkeys(("listing_changes", "listing_moves", "listing_offers", "offer_terms"), "section_snapshots"),
}


class Translator(DagsterDbtTranslator):
    """A source is the asset that writes it; a model is named as its table."""

    def __init__(self) -> None:
        super().__init__(
            DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True, enable_source_metadata=False)
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """The asset's key: the table's name, with its schema in front where an asset has that name."""
        name = dbt_resource_props["name"]
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey(_SOURCE_ASSETS.get(name, name))
        return dg.AssetKey(["analytics", name] if name == "events" else name)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The folder a model is in: `rollups` or `views`."""
        return str(dbt_resource_props["fqn"][-2])


def manifest() -> Path:
    """The parsed dbt project; parsed now where that is missing or older than one of its files.

    Parsing takes seconds, and every process that loads the definitions comes by here.
    """
    path = PROJECT.manifest_path
    sources = [ROOT / name for name in PARSED_FROM]
    files = [file for source in sources for file in ([source] if source.is_file() else source.rglob("*.*"))]
    if not path.exists() or path.stat().st_mtime < max(file.stat().st_mtime for file in files):
        path.parent.mkdir(parents=True, exist_ok=True)
        # beside it and moved when done: processes that start together parse together, and none may read half of it
        with tempfile.TemporaryDirectory(dir=path.parent, prefix="parsing-") as apart:
            # from scratch: parsed in part, tests that are described in a yml of their own lost their settings
            dbt_resource().cli(["--quiet", "parse", "--no-partial-parse"], target_path=Path(apart)).wait()
            for name in (PARTLY_PARSED, path.name):
                (Path(apart) / name).replace(path.with_name(name))
    return path


def keep_parsed(target_path: Path) -> None:
    """Let the next dbt begin with what the one in `target_path` parsed: 1.1 s instead of 3.3.

    What `manifest` parses is parsed for no warehouse, and dbt parses all anew where the warehouse is another one.
    Nothing is kept of a project that was parsed again since: what is parsed in part is not the same (`manifest`).
    """
    parsed, kept = target_path / PARTLY_PARSED, PROJECT.manifest_path.with_name(PARTLY_PARSED)
    if not parsed.exists() or parsed.stat().st_mtime <= PROJECT.manifest_path.stat().st_mtime:
        return
    if not kept.exists() or not filecmp.cmp(parsed, kept, shallow=False):
        beside = kept.with_name(f"{PARTLY_PARSED}-{target_path.name}")
        shutil.copy(parsed, beside)
        beside.replace(kept)


class Dbt(DbtCliResource):
    """dbt as Dagster calls it, without what each call begins with: `dbt --version`, which also asks the network for
    a newer one, and a second dbt in this process, for columns and row counts that we do not ask Dagster for. They
    took 7 of the 28 s of a tick without work."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:  # type: ignore[override]
        """None: nothing asks for it."""


def dbt_resource() -> DbtCliResource:
    """dbt for the tick, the documentation and the checks."""
    return Dbt(
        project_dir=str(PROJECT.project_dir),
        profiles_dir=str(PROJECT.profiles_dir),
        target=PROJECT.target,
        dbt_executable=DBT_EXECUTABLE,
    )


REFRESH_AGAIN_FOR = timedelta(minutes=4)
"""How long a tick goes on refreshing what an import or a backfill left, before the next tick does."""
