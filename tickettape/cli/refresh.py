"""How a correction or an import ends: the rollups refreshed, and what is left said."""

from tickettape.cli.console import fail, say
from tickettape.database import Connection
from tickettape.rollups import ROLLUPS_ALONE, call_dbt, export_dbt_environment, refresh_rollups
from tickettape.settings import settings


def refresh_once() -> None:
    """One refresh of the rollups alone."""
    export_dbt_environment(settings())
    call_dbt(*ROLLUPS_ALONE)


def refresh_all(connection: Connection) -> None:
    """Recompute everything that is marked; ends the command with code 1 where marks stay."""
    export_dbt_environment(settings())
    refresh_rollups(connection, lambda: call_dbt(*ROLLUPS_ALONE), say, until=settings().claim_limit)
    not_built: dict[str, str] = {}
    # the views too: there may have been no tick yet
    left = refresh_rollups(connection, lambda: not_built.update(call_dbt("run")), say)
    for name, reason in not_built.items():
        say(f"Not built: {name}. Everything that does not need it is. dbt says: {reason}")
    if left:
        fail(f"{left:,} buckets were marked meanwhile, by a tick or another command; its own refresh recomputes them.")
    say("Exact: every bucket that was marked is recomputed.")
