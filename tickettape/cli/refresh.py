"""The last step of a correction or an import: refresh the rollups, and report what is left to do."""

from tickettape.cli.console import fail, say
from tickettape.database import Connection
from tickettape.rollups import ROLLUPS_ALONE, call_dbt, export_dbt_environment, refresh_rollups
from tickettape.settings import settings


def refresh_once() -> None:
    """Refresh the rollups once, without the views."""
    export_dbt_environment(settings())
    call_dbt(*ROLLUPS_ALONE)


def refresh_all(connection: Connection) -> None:
    """Recompute all marked buckets. Exit with code 1 if marks are left."""
    export_dbt_environment(settings())
    refresh_rollups(connection, lambda: call_dbt(*ROLLUPS_ALONE), say, until=settings().claim_limit)
    not_built: dict[str, str] = {}
    # the views too: there may have been no tick yet
    left = refresh_rollups(connection, lambda: not_built.update(call_dbt("run")), say)
    for name, reason in not_built.items():
        say(f"Not built: {name}. Everything that does not depend on it was built. dbt says: {reason}")
    if left:
        fail(
            f"{left:,} buckets were marked meanwhile by a tick or another command. Its own refresh will recompute them."
        )
    say("Done: all marked buckets are recomputed.")
