"""The command `tickettape`: what is watched, one tick now, psql and dbt; the rest in modules of their own.

Works while `make dev` runs and while it does not. Errors go to stderr, with exit code 1 for what failed and
2 for what was asked wrongly.
"""

import asyncio
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from tickettape.catalogue import events as catalogue
from tickettape.catalogue.discovery import discover
from tickettape.cli import (
    archive,
    corrections,
    quarantine,
)
from tickettape.cli import (
    backups as backup,
)
from tickettape.cli import (
    hourly_cold_storage as hours,
)
from tickettape.cli import (
    imports as history,
)
from tickettape.cli import (
    incidents as alerts,
)
from tickettape.cli import (
    poll_schedule as looking,
)
from tickettape.cli import (
    tenants as access,
)
from tickettape.cli.console import fail, say
from tickettape.database import server
from tickettape.marketplaces.protocol import MarketplaceError
from tickettape.resources import Warehouse, marketplace_of
from tickettape.settings import ROOT, settings

app = typer.Typer(help="The ticker tape of ticket markets.", no_args_is_help=True, add_completion=False)
archive.add_commands(app)
backup.add_commands(app)
hours.add_commands(app)
corrections.add_commands(app)
history.add_commands(app)
looking.add_commands(app)
alerts.add_commands(app)
quarantine.add_commands(app)
access.add_commands(app)

ProductionId = Annotated[str | None, typer.Option("--production", help="One event, by the marketplace's id.")]
PerformerId = Annotated[str | None, typer.Option("--performer", help="All events of a performer, by id.")]
VenueId = Annotated[str | None, typer.Option("--venue", help="All events at a venue, by id.")]
Search = Annotated[str | None, typer.Option("--search", help="All events that a search finds.")]


@app.command()
def track(
    production: ProductionId = None,
    performer: PerformerId = None,
    venue: VenueId = None,
    search: Search = None,
) -> None:
    """Watch an event, or all events of a performer, a venue or a search, from the next tick on."""
    kind, value = _one_rule(production, performer, venue, search)
    marketplace = marketplace_of(settings())
    try:
        found = asyncio.run(discover(marketplace, kind, value))
    except MarketplaceError as error:
        fail(f"{kind} {value} is not tracked: {error}")
    with Warehouse().connection() as connection, connection.transaction():
        catalogue.track(connection, marketplace.source, kind, value)
        catalogue.upsert_events(connection, marketplace.source, map(asdict, found))
        rule = next(r for r in catalogue.rules(connection, marketplace.source) if (r.kind, r.value) == (kind, value))
        catalogue.note_discovered(connection, rule, [p.external_id for p in found], datetime.now(UTC))
    say(f"Tracking {kind} {value} on {marketplace.source}: {len(found)} event{'s' * (len(found) != 1)}.")
    for event in sorted(found, key=lambda event: event.date)[:20]:
        say(f"  {event.external_id:>9}  {event.date:%Y-%m-%d %H:%M} UTC  {event.name}, {event.venue}")
    if len(found) > 20:
        say(f"  … and {len(found) - 20} more")


@app.command()
def untrack(
    production: ProductionId = None,
    performer: PerformerId = None,
    venue: VenueId = None,
    search: Search = None,
) -> None:
    """Watch no longer. The history stays; events that no other rule names are retired at the next tick."""
    kind, value = _one_rule(production, performer, venue, search)
    with Warehouse().connection() as connection:
        if not catalogue.untrack(connection, settings().source, kind, value):
            fail(f"{kind} {value} is not tracked on {settings().source}; `tickettape tracked` lists what is.")
    say(f"No longer tracking {kind} {value} on {settings().source}.")


@app.command()
def tracked() -> None:
    """List what is watched: the rules, and the events they found."""
    source = settings().source
    with Warehouse().connection() as connection:
        rules = catalogue.rules(connection, source)
        events = catalogue.watched_at(connection, source, datetime.now(UTC))
    simulated = " (the simulator: invented events and prices)" if source == "simulator" else ""
    say(f"On {source}{simulated}: {len(rules)} rules, {len(events)} events watched.")
    for rule in rules:
        asked = f"asked {rule.discovered_at:%Y-%m-%d %H:%M} UTC" if rule.discovered_at else "not asked yet"
        say(f"  {rule.kind} {rule.value} ({asked})")
    for event in events:
        say(f"  {event.external_id:>9}  {event.date:%Y-%m-%d %H:%M} UTC  {event.name}")


@app.command()
def tick() -> None:
    """One tick now: the job that the schedule runs, in this process. Exit code 0 when it is green."""
    from orchestration.run_tick import run_tick

    sys.exit(0 if run_tick(say) else 1)


@app.command()
def psql() -> None:
    """Open psql on the warehouse."""
    environment = server.libpq_environment(server.database_url())
    sys.exit(subprocess.run([server.psql()], env=environment).returncode)  # noqa: S603


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def dbt(context: typer.Context) -> None:
    """Run dbt on the warehouse: `tickettape dbt build --select latest_prices`."""
    from orchestration import dbt as project

    project.export_environment(settings())
    command = [project.EXECUTABLE, *context.args, "--profiles-dir", str(ROOT / "profiles")]
    sys.exit(subprocess.run([*command, "--project-dir", str(ROOT)]).returncode)  # noqa: S603


def _one_rule(*values: str | None) -> tuple[str, str]:
    given = [(kind, value) for kind, value in zip(catalogue.RULE_KINDS, values, strict=True) if value]
    if len(given) != 1:
        fail("Say what to watch with exactly one of --production, --performer, --venue, --search.", code=2)
    return given[0]
