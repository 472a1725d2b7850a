"""dbt on the warehouse without Dagster: its environment, its executable, and dbt in this process.

`orchestration.dbt` says how the models appear in Dagster.
"""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tickettape.database import LONGEST_STATEMENT, configured_database, database_url, with_database
from tickettape.rollups.dbt_project import ReadableProject, readable_project
from tickettape.rollups.registry import ROLLUP_NAMES
from tickettape.settings import ROOT, Settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

DBT_EXECUTABLE = str(Path(sys.executable).parent / "dbt")  # this environment's, even if it is not activated
URL_VARIABLE = "DBT_ENV_SECRET_DATABASE_URL"
"""The variable with the warehouse's URL for the dbt processes that this program starts. dbt hides the values of
variables with this prefix in its logs."""

_NOWHERE = "postgresql://parsing.invalid/"  # a name that no resolver knows

# --no-write-json: writing the manifest takes half a second a call, and would replace the one that others read
_IN_PROCESS = ("--profiles-dir", str(ROOT / "profiles"), "--quiet", "--no-write-json")

LONGEST_LOCK_WAIT = "10min"  # for another refresh of the same rollup: a big claim takes minutes


def export_dbt_environment(
    settings: Settings, *, all_of_it: bool = False, claim_from: datetime | None = None, claim_limit: int | None = None
) -> None:
    """Set the environment variables with which dbt processes find the warehouse and the settings that their SQL reads.

    `all_of_it`: tests look at everything instead of a recent window. `claim_from`: refreshes claim no older buckets.
    `claim_limit`: how many buckets they claim at once; None: as many as CLAIM_LIMIT says.
    """
    os.environ[URL_VARIABLE] = database_url()
    if "PGSERVICEFILE" not in os.environ:  # dbt's adapter can set only the first of the four keep-alive options
        os.environ |= {"PGSERVICEFILE": str(ROOT / "profiles" / "pg_service.conf"), "PGSERVICE": "tickettape"}
    since = "-infinity" if all_of_it else ""
    os.environ["PGOPTIONS"] = (
        f"-c timezone=UTC -c statement_timeout={LONGEST_STATEMENT} -c lock_timeout={LONGEST_LOCK_WAIT} "
        f"-c tickettape.claim_limit={claim_limit or settings.claim_limit} -c tickettape.tests_since={since} "
        f"-c tickettape.claim_from={claim_from.isoformat() if claim_from else ''} "
        f"-c tickettape.sold_after={settings.sold_after_captures}"
    )


@contextmanager
def parsing_alone() -> Iterator[None]:
    """Let dbt parse in the block without a warehouse.

    dbt asks the database nothing for that, and needs only its name. Otherwise no process could load the definitions
    while the database is away, and each would start the embedded server.
    """
    if URL_VARIABLE in os.environ:
        yield
        return
    os.environ[URL_VARIABLE] = with_database(_NOWHERE, configured_database())
    try:
        yield
    finally:
        del os.environ[URL_VARIABLE]


def call_dbt(*arguments: str) -> dict[str, str]:
    """Call dbt in this process, for a command that needs it several times: two seconds a call instead of five.

    Call `export_dbt_environment` first. Returns what failed, with dbt's message: models that are not rollups, and files
    that were left out. Raises RuntimeError with dbt's message if a rollup fails.
    """
    parsed, project = _parsed(os.environ[URL_VARIABLE])
    # a copy: a run leaves its compiled code in the manifest, and the next run would use that
    manifest = parsed.deepcopy()
    result = dbt_runner(manifest).invoke([*arguments, "--project-dir", str(project.folder), *_IN_PROCESS])
    results = getattr(result.result, "results", ())
    failed = {str(r.node.name): str(r.message) for r in results if r.status == "error"}
    if not result.success and (not failed or failed.keys() & set(ROLLUP_NAMES)):
        said = "; ".join(f"{name}: {message}" for name, message in failed.items())
        raise RuntimeError(f"dbt {' '.join(arguments)} failed: {said or result.exception}")
    return {**project.left_out, **failed}


@cache
def _parsed(_url: str) -> "tuple[Manifest, ReadableProject]":
    """The parsed dbt project. It is cached by URL, because a parsed model contains the name of its database."""
    from dbt.contracts.graph.manifest import Manifest

    manifests: list[Manifest] = []

    def parse(folder: Path) -> str | None:
        # from scratch: after a partial parse, tests that are described in their own yml file lost their settings
        parsed = dbt_runner().invoke(["parse", "--no-partial-parse", "--project-dir", str(folder), *_IN_PROCESS])
        if isinstance(parsed.result, Manifest):
            manifests.append(parsed.result)
            return None
        return str(parsed.exception)

    copy = Path(tempfile.mkdtemp(prefix="tickettape-dbt-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    project = readable_project(parse, copy / "project")
    return manifests[-1], project


def dbt_runner(manifest: "Manifest | None" = None, **more: Any) -> "dbtRunner":
    """dbt's own runner for one call, in a process that makes many."""
    # imported here: it takes seconds, and Dagster's processes never need it
    from dbt.adapters.base import impl
    from dbt.cli.main import dbtRunner
    from dbt_common.behavior_flags import BehaviorFlagRendered

    flags = impl.DEFAULT_BASE_BEHAVIOR_FLAGS
    # Each call appends the adapter's flags to this list again, and looks through the whole stack for each flag in it.
    # Calls took 2.5 s at first and 3.9 s after thirty. What it looks for is only logged.
    del flags[len({flag["name"] for flag in flags}) :]
    BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")  # type: ignore[method-assign]
    return dbtRunner(manifest=manifest, **more)
