"""`tickettape poll-schedule`: when each watched event is polled next, and why."""

from datetime import UTC, datetime

import typer

from tickettape.cli.console import SourceOrAllOption, say, sources_of
from tickettape.database import Warehouse
from tickettape.observations import newest_poll_schedule, stale_events


def add_commands(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command(name="poll-schedule")(poll_schedule)


def poll_schedule(source: SourceOrAllOption = None) -> None:
    """List when each watched event is polled next, how often, and why. The next due come first."""
    for each in sources_of(source):
        _show_poll_schedule(each)


def _show_poll_schedule(source: str) -> None:
    with Warehouse().connection() as connection:
        decided = newest_poll_schedule(connection, source)
        stale = stale_events(connection, source, datetime.now(UTC))
    deferred = sum(one["deferred"] for one in decided)
    say(f"On {source}: {len(decided)} events scheduled, {deferred} deferred, {len(stale)} stale.")
    for one in decided:
        due = "deferred" if one["deferred"] else f"{one['due_tick']:%m-%d %H:%M} UTC"
        often = f"every {one['interval_minutes']:>2} min"
        say(f"  {one['external_id']:>9}  {due:<15} {often}  {one['name']}: {one['reason']}")
    if not decided:
        say("Nothing is scheduled yet. The next tick does that; `tickettape tick` runs one now.")
