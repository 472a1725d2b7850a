"""How a correction or an import ends: the rollups refreshed, and what is left said."""

import warnings

from tickettape.cli.console import fail, say
from tickettape.database import Connection
from tickettape.rollups.refresh import ROLLUPS_ALONE, refresh
from tickettape.settings import settings


def refresh_all(connection: Connection) -> None:
    """Recompute everything that is marked; ends the command with code 1 where marks stay."""
    with warnings.catch_warnings(action="ignore"):  # Dagster's, of its own betas
        from orchestration import dbt  # with Dagster it takes seconds to import

    dbt.export_environment(settings())
    refresh(connection, lambda: dbt.call(*ROLLUPS_ALONE), say, until=settings().claim_limit)
    left = refresh(connection, lambda: dbt.call("run"), say)  # the views too: there may have been no tick yet
    if left:
        fail(f"{left:,} buckets were marked meanwhile, by a tick or another command; its own refresh recomputes them.")
    say("Exact: every bucket that was marked is recomputed.")
