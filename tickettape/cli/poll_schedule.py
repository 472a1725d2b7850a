"""`tickettape looks`: when each watched event is looked at next, and why."""

from datetime import UTC, datetime

import typer

from tickettape.cli.console import say
from tickettape.database import Warehouse
from tickettape.observations import newest_poll_schedule, stale_events
from tickettape.settings import settings


def add_commands(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command(name="looks")(looks_)


def looks_() -> None:
    """List when each watched event is looked at next, how often, and why; what is due first."""
    source = settings().source
    with Warehouse().connection() as connection:
        decided = newest_poll_schedule(connection, source)
        stale = stale_events(connection, source, datetime.now(UTC))
    put_off = sum(one["put_off"] for one in decided)
    say(f"On {source}: {len(decided)} events decided on, {put_off} put off, {len(stale)} stale.")
    for one in decided:
        due = "put off" if one["put_off"] else f"{one['due_tick']:%m-%d %H:%M} UTC"
        often = f"every {one['interval_minutes']:>2} min"
        say(f"  {one['external_id']:>9}  {due:<15} {often}  {one['name']}: {one['reason']}")
    if not decided:
        say("Nothing was decided yet: the next tick does, or `tickettape tick` now.")
