"""Where the dbt project is, how its models appear in Dagster, and how it is called."""

import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import get_dagster_logger
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject
from packaging.version import Version

from tickettape.database import configured_database
from tickettape.rollups import DBT_EXECUTABLE, parsing_alone, readable_project
from tickettape.settings import ROOT

PROJECT = DbtProject(project_dir=ROOT, profiles_dir=ROOT / "profiles", target="warehouse")
PARTLY_PARSED = "partial_parse.msgpack"
LEFT_OUT = "left_out.json"
PARSED_FOR = "parsed_for.txt"
READABLE = "readable_project"
NO_FILES = "--no-write-json"
"""Lets dbt write no manifest and no results: a fourth of the time of a call that refreshes little."""
SOURCES = ("dbt_project.yml", "dbt_project", "profiles")

OWN_ASSETS = frozenset(
    {
        *("events", "captures", "section_snapshots", "api", "documentation", "partitions_ahead", "archived_months"),
        *("expired_payloads", "expired_hours", "expired_jobs", "service_history", "dagster_history"),
        *("backlog", "simulated_history", "vacuumed_tables", "database_health", "backups", "proved_backup"),
        "packed_days",
        "event_links",
        *("tidied_orders", "notices", "seat_prices"),
        "forecast_tables",
    }
)
"""The assets that are not dbt models. A model with one of these names gets its schema in front of its asset key."""

_SOURCE_ASSETS = {
    "zones": "section_snapshots",
    "sections": "section_snapshots",
    "claims": "section_snapshots",
    "event_sides": "event_links",
    **dict.fromkeys(("packed_snapshots", "all_snapshots"), "section_snapshots"),
    **dict.fromkeys(("listing_changes", "packed_listing_changes", "all_listing_changes"), "section_snapshots"),
    **dict.fromkeys(("listing_ticks", "listing_moves", "listing_offers", "offer_terms"), "section_snapshots"),
    # the night's run: the asset that writes forecasts stands on daily prices, which would make a circle
    **dict.fromkeys(("forecasts", "forecast_edges", "forecast_cells", "forecast_voids"), "forecast_tables"),
    **dict.fromkeys(("forecast_looks", "forecast_base_rates"), "forecast_tables"),
    **dict.fromkeys(("market_trends", "price_elasticities"), "forecast_tables"),
}


class Translator(DagsterDbtTranslator):
    """Maps a dbt source to the asset that writes it, and names a model's asset like its table."""

    def __init__(self) -> None:
        super().__init__(
            DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True, enable_source_metadata=False)
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """The asset's key: the table's name, with its schema in front if another asset has that name."""
        name = dbt_resource_props["name"]
        if dbt_resource_props["resource_type"] == "source":
            schema, written_by = dbt_resource_props["source_name"], _SOURCE_ASSETS.get(name, name)
            if schema == "box_office":  # it sells in many tables, and not in runs
                return dg.AssetKey([schema, "sales"])
            return dg.AssetKey(written_by if schema == "market" and written_by in OWN_ASSETS else [schema, name])
        return dg.AssetKey(["analytics", name] if name in OWN_ASSETS else name)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """A mart's group is its business area, the folder below `marts`. Other models: `staging` or `intermediate`."""
        layer, *below = dbt_resource_props["fqn"][1:-1] or ["marts"]
        return re.sub(r"\W", "_", below[0] if layer == "marts" and below else layer)


def manifest() -> Path:
    """The path of the parsed dbt project. Parses it if that file is missing, is older than one of the project's files,
    or was parsed for a database of another name.

    Parsing takes seconds, and every process that loads the definitions calls this. The partial parse beside it serves
    every dbt that a tick starts: 1.1 s instead of 3.3. If dbt cannot read the project at all, the last readable
    manifest is used: captures need no dbt, and the marts report the error.
    """
    path, database = PROJECT.manifest_path, configured_database()
    known = path.with_name(PARSED_FOR)
    files = [file for name in SOURCES for file in _files(ROOT / name)]
    parsed_for = known.read_text() if path.exists() and known.exists() else None
    if parsed_for != database or path.stat().st_mtime < max(file.stat().st_mtime for file in files):
        path.parent.mkdir(parents=True, exist_ok=True)
        # parsed into a folder beside it, then moved: processes that start together must not read half a manifest
        with tempfile.TemporaryDirectory(dir=path.parent, prefix="parsing-") as apart:
            try:
                project = readable_project(lambda folder: _parse(folder, Path(apart)), Path(apart) / READABLE)
            except RuntimeError as error:
                if not path.exists():
                    raise
                get_dagster_logger().error("%s The last readable models are used, from %s.", error, path)
                return path
            (Path(apart) / LEFT_OUT).write_text(json.dumps(project.left_out))
            if project.left_out:
                shutil.rmtree(path.with_name(READABLE), ignore_errors=True)
                project.folder.replace(path.with_name(READABLE))
            (Path(apart) / PARSED_FOR).write_text(database)
            for name in (LEFT_OUT, PARTLY_PARSED, path.name, PARSED_FOR):
                (Path(apart) / name).replace(path.with_name(name))
    return path


def _files(path: Path) -> list[Path]:
    """A file, or a folder and everything in it. The folder itself counts: its time shows that a file was deleted."""
    return [path, *path.rglob("*")] if path.is_dir() else [path]


def _parse(folder: Path, target: Path) -> str | None:
    # from scratch: after a partial parse, tests that are described in their own yml file lost their settings
    arguments = ["--quiet", "parse", "--no-partial-parse"]
    with parsing_alone():
        parse = dbt_resource(folder).cli(arguments, target_path=target, raise_on_error=False)
    infos = [event.raw_event["info"] for event in parse.stream_raw_events()]
    if parse.is_successful():
        return None
    return "\n".join(info["msg"] for info in infos if info["level"] == "error") or str(parse.get_error())


def left_out() -> dict[str, str]:
    """The files that are left out because dbt cannot read them, each with dbt's message."""
    path = PROJECT.manifest_path.with_name(LEFT_OUT)
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return found


class Dbt(DbtCliResource):
    """Dagster's dbt resource without two steps at the start of each call. One is `dbt --version`, which also asks the
    network for newer versions. The other loads a second dbt into this process, for column and row counts that we do not
    use. Together they took 7 of the 28 s of a tick without work."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:  # type: ignore[override]
        """Make no adapter: nothing uses it."""


def dbt_resource(folder: Path | None = None) -> DbtCliResource:
    """dbt for the tick, the documentation and the checks, on the project without the files that dbt cannot read."""
    readable = PROJECT.manifest_path.with_name(READABLE)
    return Dbt(
        project_dir=str(folder or (readable if left_out() else PROJECT.project_dir)),
        profiles_dir=str(PROJECT.profiles_dir),
        target=PROJECT.target,
        dbt_executable=DBT_EXECUTABLE,
    )


REFRESH_AGAIN_FOR = timedelta(minutes=4)
"""How long a tick or a run of the backlog refreshes before it leaves the rest to the next run."""
