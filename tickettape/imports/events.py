"""The events of a staged file: find those that can be imported, and add them or update their descriptions."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tickettape.catalogue import tracking_rules
from tickettape.database import Connection
from tickettape.imports.import_tables import known_events, store_events
from tickettape.imports.request import ImportRefused
from tickettape.imports.staging import StagedFile


def usable_events(
    connection: Connection, staged: StagedFile, event_nos: Iterable[int], against: Mapping[int, str]
) -> tuple[dict[int, str], dict[int, str]]:
    """The events to import (event_no -> external id), and those that cannot be imported (event_no -> reason).

    `event_nos`: the events with an observation. `against`: those that cannot be imported for another reason than an
    unknown date. Such an event does not affect the others, but if none is left, ImportRefused is raised.
    """
    named = {number: event for event, number in staged.events.items()}
    events = {int(number): named[int(number)] for number in event_nos}
    known = known_events(connection, staged.request.source)
    undated = [
        number
        for number, event in events.items()
        if event not in known and "event_date" not in staged.said.get(event, {})
    ]
    refused = dict.fromkeys(undated, _NO_DATE) | {number: against[number] for number in against if number in events}
    usable = {number: event for number, event in events.items() if number not in refused}
    if events and not usable:
        if len(undated) < len(events):
            raise ImportRefused(f"None of its events can be imported. {next(iter(against.values()))}")
        some = ", ".join(list(events.values())[:5]) + (" …" if len(undated) > 5 else "")
        raise ImportRefused(
            " ".join([f"{len(undated):,} events have no date: {some}. Give their dates in a column "
            "(--map event_date=COLUMN), once for all of them (--default event_date=2026-11-21T19:00Z), or in a file "
            "(--events FILE, with the columns event, event_date and optionally event_name, venue, city, …).",
            *staged.faults[:5]])
        )  # fmt: skip
    staged.outcome.events = len(usable)
    staged.outcome.events_made = sum(event not in known for event in usable.values())
    return usable, refused


_NO_DATE = "its event has no date: give it (--map event_date=COLUMN, or --events FILE)"


def make_events(connection: Connection, staged: StagedFile, events: Mapping[int, str]) -> dict[int, int]:
    """Add the events or update their descriptions, in a transaction of its own; event_no -> event_key."""
    source = staged.request.source
    known = known_events(connection, source)
    # a watched marketplace describes its known events better than a file
    watched = bool(tracking_rules(connection, source))
    ours = [event for event in events.values() if event not in known or not watched]
    with connection.transaction():
        store_events(connection, source, {event: _event_row(staged.said.get(event, {})) for event in ours})
    keys = known_events(connection, source)
    return {number: keys[event] for number, event in events.items()}


def _event_row(said: Mapping[str, Any]) -> dict[str, Any]:
    """The description of an event, under the catalogue's column names."""
    names = {"event_name": "name", "event_date": "date", "performer": "performer_name"}
    row = {names.get(name, name): value for name, value in said.items()}
    if "date" in row:
        row["date"] = datetime.fromtimestamp(row["date"] / 1e6, UTC)
    return row
