"""The events of a staged file: which the source knows already, which lack a date, and all of them made."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tickettape.catalogue import tracking_rules
from tickettape.database import Connection
from tickettape.imports.import_tables import known_events, store_events
from tickettape.imports.request import ImportRefused
from tickettape.imports.staging import StagedFile


def dated_events(connection: Connection, staged: StagedFile, event_nos: Iterable[int]) -> dict[int, str]:
    """The events with an observation, event_no -> external id. Raises ImportRefused where a date is not known."""
    named = {number: event for event, number in staged.events.items()}
    events = {int(number): named[int(number)] for number in event_nos}
    known = known_events(connection, staged.request.source)
    made = [event for event in events.values() if event not in known]
    undated = [event for event in made if "event_date" not in staged.said.get(event, {})]
    if undated:
        some = ", ".join(undated[:5]) + (" …" if len(undated) > 5 else "")
        raise ImportRefused(
            f"{len(undated):,} events have no date: {some}. Give their dates in a column (--map event_date=COLUMN), "
            "once for all of them (--default event_date=2026-11-21T19:00Z), or in a file (--events FILE, with the "
            "columns event, event_date and optionally event_name, venue, city, …)."
        )
    staged.outcome.events, staged.outcome.events_made = len(events), len(made)
    return events


def make_events(connection: Connection, staged: StagedFile, events: Mapping[int, str]) -> dict[int, int]:
    """Make the events, or correct what is said of them, in a transaction of its own: event_no -> event_key."""
    source = staged.request.source
    known = known_events(connection, source)
    # what is watched, its marketplace knows better than a file
    watched = bool(tracking_rules(connection, source))
    ours = [event for event in events.values() if event not in known or not watched]
    with connection.transaction():
        store_events(connection, source, {event: _event_row(staged.said.get(event, {})) for event in ours})
    keys = known_events(connection, source)
    return {number: keys[event] for number, event in events.items()}


def _event_row(said: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of an event by the catalogue's column names."""
    names = {"event_name": "name", "event_date": "date", "performer": "performer_name"}
    row = {names.get(name, name): value for name, value in said.items()}
    if "date" in row:
        row["date"] = datetime.fromtimestamp(row["date"] / 1e6, UTC)
    return row
