"""dbt on the warehouse without Dagster: its environment, its executable, and dbt in this process.

How its models appear in Dagster belongs in `orchestration.dbt`.
"""

import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tickettape.database import database_url
from tickettape.settings import ROOT, Settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

DBT_EXECUTABLE = str(Path(sys.executable).parent / "dbt")  # this environment's, also where it is not activated
URL_VARIABLE = "DBT_ENV_SECRET_DATABASE_URL"
"""Where a dbt that this program starts finds the warehouse. dbt scrubs a variable of such a name from its logs."""

_IN_PROCESS = (
    *("--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles"), "--quiet"),
    "--no-write-json",  # half a second a call, and over the manifest that other processes read (`manifest`)
)


def export_dbt_environment(settings: Settings, *, all_of_it: bool = False) -> None:
    """Let the dbt processes that this one starts find the warehouse, with the settings their SQL asks for.

    `all_of_it`: tests look at everything instead of at a recent window.
    """
    os.environ[URL_VARIABLE] = database_url()
    since = "-infinity" if all_of_it else ""
    os.environ["PGOPTIONS"] = (
        f"-c timezone=UTC -c tickettape.claim_limit={settings.claim_limit} -c tickettape.tests_since={since} "
        f"-c tickettape.sold_after={settings.sold_after_captures}"
    )


def call_dbt(*arguments: str) -> None:
    """dbt in this process, for a command that calls it several times: two seconds each instead of five.

    Needs `export_dbt_environment` before. Raises RuntimeError with what dbt says where it fails.
    """
    # a copy: a run leaves its compiled code in the manifest, and the next run would trust it
    manifest = _parsed(os.environ[URL_VARIABLE]).deepcopy()  # type: ignore[no-untyped-call]
    result = dbt_runner(manifest).invoke([*arguments, *_IN_PROCESS])
    if not result.success:
        failed = [f"{r.node.name}: {r.message}" for r in getattr(result.result, "results", ()) if r.status == "error"]
        raise RuntimeError(f"dbt {' '.join(arguments)} failed: {'; '.join(failed) or result.exception}")


@cache
def _parsed(_url: str) -> "Manifest":
    """The dbt project; a parsed model holds the name of its database."""
    from dbt.contracts.graph.manifest import Manifest

    parsed = dbt_runner().invoke(["parse", "--no-partial-parse", *_IN_PROCESS])  # as in `manifest`
    if not isinstance(parsed.result, Manifest):
        raise RuntimeError(f"dbt cannot read its project: {parsed.exception}")
    return parsed.result


def dbt_runner(manifest: "Manifest | None" = None, **more: Any) -> "dbtRunner":
    """dbt's own runner for one call, in a process that makes many."""
    # imported here: it takes seconds, and Dagster's processes never need it
    from dbt.adapters.base import impl
    from dbt.cli.main import dbtRunner

    flags = impl.DEFAULT_BASE_BEHAVIOR_FLAGS
    # Each call puts the adapter's own flags at the end of this list once more, and looks through the whole stack for
    # each that is there: calls took 2.5 s at first and 3.9 s after thirty.
    del flags[len({flag["name"] for flag in flags}) :]
    return dbtRunner(manifest=manifest, **more)
