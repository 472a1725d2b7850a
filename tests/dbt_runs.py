"""Real dbt runs against a test's database, in this process: about a second each instead of five."""

from functools import cache

from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from orchestration import dbt as project
from orchestration.settings import ROOT, Settings

PLACE = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles")]


def run_dbt(*arguments: str, settings: Settings | None = None, all_of_it: bool = True) -> dbtRunnerResult:
    """`dbt <arguments>` on the database that the test's `database_url` fixture made; the result as dbt gives it.

    Fails the test where dbt fails: look at `.success` with `tries_dbt` instead where that is expected.
    """
    result = tries_dbt(*arguments, settings=settings, all_of_it=all_of_it)
    assert result.success, result.exception or [r.message for r in result.result if r.status not in ("success", "pass")]
    return result


def tries_dbt(*arguments: str, settings: Settings | None = None, all_of_it: bool = True) -> dbtRunnerResult:
    """As run_dbt, for runs that may fail."""
    project.export_environment(settings or Settings(), all_of_it=all_of_it)
    # a copy: a run leaves its compiled code in the manifest, and the next run would trust it
    return dbtRunner(manifest=parsed_manifest().deepcopy()).invoke([*arguments, *PLACE, "--quiet"])


@cache
def parsed_manifest() -> Manifest:
    """The dbt project, parsed once for the whole test run."""
    parsed = dbtRunner().invoke(["parse", *PLACE, "--quiet"])
    assert isinstance(parsed.result, Manifest), parsed.exception
    return parsed.result
