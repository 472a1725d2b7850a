"""The command `tickettape`: tracking, ticks, backfills, psql and dbt. The other commands have their own modules.

It works whether `make dev` runs or not. Errors go to stderr. The exit code is 1 if a command failed, and 2 if it was
called wrongly.
"""

import asyncio
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime

import typer

from tickettape.catalogue import (
    discover_events,
    events_watched_at,
    record_discovery,
    track_rule,
    tracking_rules,
    untrack_rule,
    upsert_events,
)
from tickettape.cli import (
    aliases,
    archive,
    backtest,
    backups,
    box_office,
    catalogue,
    corrections,
    health,
    hourly_cold_storage,
    imports,
    incidents,
    match,
    poll_schedule,
    price_alerts,
    quarantine,
    readers,
    storage,
    tenants,
)
from tickettape.cli.console import (
    EventId,
    From,
    PerformerId,
    Search,
    SourceOption,
    SourceOrAllOption,
    To,
    VenueId,
    check_window,
    fail,
    one_rule,
    say,
    settings_of,
    show_found,
    sources_of,
    when,
)
from tickettape.database import Warehouse, database_url, libpq_environment, psql_path
from tickettape.marketplaces import MarketplaceError, is_simulated, open_marketplace
from tickettape.rollups import DBT_EXECUTABLE, export_dbt_environment
from tickettape.settings import ROOT, settings
from tickettape.start_and_stop import explain_failures

app = typer.Typer(
    help="Track ticket prices on marketplaces over time.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)


@app.command()
def track(
    event: EventId = None,
    performer: PerformerId = None,
    venue: VenueId = None,
    search: Search = None,
    source: SourceOption = None,
) -> None:
    """Start watching one event, or all events of a performer, at a venue or in a search.

    The next tick captures them.
    """
    kind, value = one_rule(event, performer, venue, search)
    marketplace = open_marketplace(settings_of(source))
    try:
        found = asyncio.run(discover_events(marketplace, kind, value))
    except MarketplaceError as error:
        fail(f"Cannot track {kind} {value} on {marketplace.source}: {error}")
    with Warehouse().connection() as connection, connection.transaction():
        track_rule(connection, marketplace.source, kind, value)
        upsert_events(connection, marketplace.source, map(asdict, found.events))
        rule = next(r for r in tracking_rules(connection, marketplace.source) if (r.kind, r.value) == (kind, value))
        record_discovery(connection, rule, [p.external_id for p in found.events], datetime.now(UTC))
    count = len(found.events)
    say(f"Tracking {kind} {value} on {marketplace.source}: {count} event{'s' * (count != 1)}.")
    show_found(found)


@app.command()
def untrack(
    event: EventId = None,
    performer: PerformerId = None,
    venue: VenueId = None,
    search: Search = None,
    source: SourceOption = None,
) -> None:
    """Stop watching an event, a performer, a venue or a search. The history is kept.

    Events that no other rule covers are retired at the next tick.
    """
    kind, value = one_rule(event, performer, venue, search)
    source = source or settings_of(None).source  # also one that is not watched any more
    with Warehouse().connection() as connection:
        if not untrack_rule(connection, source, kind, value):
            followed = [rule for rule in tracking_rules(connection, source) if rule.because_of is not None]
            if (kind, value) in {(rule.kind, rule.value) for rule in followed}:
                fail(
                    f"{kind} {value} is tracked on {source} because another source tracks the same event. Stop "
                    "tracking it there, or refuse the link with `tickettape match refuse`."
                )
            fail(f"{kind} {value} is not tracked on {source}. `tickettape tracked` lists the rules.")
    say(f"No longer tracking {kind} {value} on {source}.")


@app.command()
def tracked(source: SourceOrAllOption = None) -> None:
    """List the tracking rules, and the events that they found."""
    for each in sources_of(source):
        _show_tracked(each)


def _show_tracked(source: str) -> None:
    with Warehouse().connection() as connection:
        rules = tracking_rules(connection, source)
        events = events_watched_at(connection, source, datetime.now(UTC))
    simulated = " (simulated: invented events and prices)" if is_simulated(settings_of(source)) else ""
    say(f"On {source}{simulated}: {len(rules)} rules, {len(events)} events watched.")
    for rule in rules:
        asked = f"last checked {rule.discovered_at:%Y-%m-%d %H:%M} UTC" if rule.discovered_at else "not checked yet"
        followed = ", as another source tracks the same event" if rule.because_of is not None else ""
        say(f"  {rule.kind} {rule.value} ({asked}{followed})")
    for event in events:
        say(f"  {event.external_id:>9}  {when(event.date, event.date_status)}  {event.name}")


@app.command()
def tick() -> None:
    """Run one tick of each marketplace now, as the schedules do.

    The exit code is 0 if every run succeeded and no check found an error.
    """
    database_url()  # an error of the database is shown here, not in Dagster's traceback
    # in a process of its own, because the commands do not import Dagster
    sys.exit(subprocess.run([sys.executable, "-W", "ignore", "-m", "orchestration.run_tick"]).returncode)


@app.command()
def backfill(start: From, end: To, source: SourceOrAllOption = None) -> None:
    """Fill past hours in one run, beside live ticks. If it is interrupted, run it again: it continues.

    The simulator's past is captured. A real marketplace cannot be asked about its past, so its stored answers
    (PAYLOAD_DAYS) are read again. In both cases the rollups of the hours are recomputed.
    """
    start, end = check_window(start, end)
    chosen = ["--source", settings_of(source).source] if source else []
    hours = [start.isoformat(), end.isoformat()]
    database_url()
    command = [sys.executable, "-W", "ignore", "-m", "orchestration.run_backfill", *hours, *chosen]
    sys.exit(subprocess.run(command).returncode)  # noqa: S603


@app.command()
def psql() -> None:
    """Open psql, connected to the database."""
    environment = libpq_environment(database_url())
    sys.exit(subprocess.run([psql_path()], env=environment).returncode)  # noqa: S603


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def dbt(context: typer.Context) -> None:
    """Run dbt on the database, for example `tickettape dbt build --select latest_prices`."""
    export_dbt_environment(settings())
    command = [DBT_EXECUTABLE, *context.args, "--profiles-dir", str(ROOT / "profiles")]
    sys.exit(subprocess.run([*command, "--project-dir", str(ROOT)]).returncode)  # noqa: S603


def main() -> None:
    """Run the command. This is its entry point."""
    with explain_failures():
        app()


for commands in (
    aliases,
    archive,
    backups,
    backtest,
    hourly_cold_storage,
    catalogue,
    corrections,
    imports,
    match,
    poll_schedule,
    incidents,
    health,
    quarantine,
    readers,
    storage,
    tenants,
    box_office,
    price_alerts,
):
    commands.add_commands(app)
