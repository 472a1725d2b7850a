"""Real dbt runs against a test's database, in this process: two seconds each instead of five."""

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from dbt.artifacts.schemas.results import ExecutionResult
from dbt.cli.main import dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from psycopg.conninfo import conninfo_to_dict

from tickettape.rollups import export_dbt_environment
from tickettape.rollups.dbt import URL_VARIABLE, dbt_runner, parsing_alone
from tickettape.settings import ROOT, Settings

_OWN = tempfile.TemporaryDirectory(prefix="tickettape-dbt-")  # the project's target folder is a developer's
TARGET = Path(_OWN.name)
PLACE = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles")]
PLACE += ["--target-path", str(TARGET), "--log-path", str(TARGET / "logs")]
PASSING = ("success", "pass")
PLACE += ["--no-write-json"]  # half a second a run, and no test reads it


def run_dbt(*arguments: str, settings: Settings | None = None, all_of_it: bool = True) -> dbtRunnerResult:
    """`dbt <arguments>` on the database that the test's `database_url` fixture made; the result as dbt gives it.

    Fails the test where dbt fails: look at `.success` with `tries_dbt` instead where that is expected.
    """
    result = tries_dbt(*arguments, settings=settings, all_of_it=all_of_it)
    assert result.success, result.exception or [r.message for r in outcomes(result) if r.status not in PASSING]
    return result


def tries_dbt(*arguments: str, settings: Settings | None = None, all_of_it: bool = True) -> dbtRunnerResult:
    """As run_dbt, for runs that may fail."""
    export_dbt_environment(settings or Settings(), all_of_it=all_of_it)
    return dbt_runner(fresh_manifest()).invoke([*arguments, *PLACE, "--quiet"])


def outcomes(result: dbtRunnerResult) -> list[Any]:
    """What became of each node of a run; `node`, `status` and `message` of each."""
    assert isinstance(result.result, ExecutionResult), result.exception
    return list(result.result)


def fresh_manifest() -> Manifest:
    """The parsed project for the test's database, to be used up by one run."""
    database = str(conninfo_to_dict(os.environ[URL_VARIABLE])["dbname"])
    # a copy: a run leaves its compiled code in the manifest, and the next run would trust it
    copy = manifest().deepcopy()
    # parsed once for all tests, it names the first one's database
    for node in [*copy.nodes.values(), *copy.sources.values()]:
        parsed_for, node.database = node.database, database
        relation = getattr(node, "relation_name", None)
        if isinstance(relation, str):
            node.relation_name = relation.replace(f'"{parsed_for}"', f'"{database}"', 1)
    return copy


@cache
def manifest() -> Manifest:
    """The project as dbt parses it."""
    with parsing_alone():
        parsed = dbt_runner().invoke(["parse", *PLACE, "--quiet"])
    assert isinstance(parsed.result, Manifest), parsed.exception
    return parsed.result
