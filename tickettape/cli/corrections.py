"""`tickettape replay`, `rebuild` and `void`: correct the history. Each prints counts before and after."""

import getpass
import time
from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from tickettape.catalogue import find_event
from tickettape.cli.console import (
    From,
    To,
    check_window,
    fail,
    parse_instant,
    say,
    settings_of,
    show_counts,
)
from tickettape.cli.refresh import refresh_all
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces import open_marketplace
from tickettape.observations import (
    NothingToDo,
    capture_ticks,
    price_range_ticks,
    read_tick,
    ticks_with_answers,
    undo_price_range_void,
    undo_void,
    void_capture,
    void_price_range,
)
from tickettape.rollups import count_window, mark_hours_between
from tickettape.settings import settings

HOUR = timedelta(hours=1)


class Kind(StrEnum):
    """The two kinds of observation."""

    LISTINGS = "listings"
    PRICE_RANGE = "price_range"


EventOption = Annotated[str | None, typer.Option("--event", help="Only this event, by its id on the marketplace.")]
EventSource = Annotated[
    str | None,
    typer.Option("--source", help="The event's source: a marketplace (the default), or the source of an import."),
]


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(replay)
    app.command()(rebuild)
    app.command()(void)


def replay(
    start: From,
    end: To,
    event: EventOption = None,
    voided: Annotated[
        bool, typer.Option("--voided", help="Also read voided captures again, so that they count again.")
    ] = False,
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            help="Only this marketplace. Default: all that are watched. Needed with --event if several are watched.",
        ),
    ] = None,
) -> None:
    """Read the stored answers of a time range again, for example after the parser was fixed.

    Answers are kept for PAYLOAD_DAYS (7). Captures without a stored answer do not change. Voided captures stay void
    unless --voided is given. The rollups are refreshed afterwards.
    """
    start, end = check_window(start, end)
    own = settings_of(source) if event or source else None
    watched = [own] if own else [settings_of(each) for each in settings().sources]
    with Warehouse().connection() as connection:
        event_key = _event_key(connection, own.source, event) if own else None
        before = count_window(connection, start, end, event_key)
        todo = [
            (each, tick)
            for each in watched
            for tick in ticks_with_answers(
                connection, each.source, start, end, only_received=False, event_key=event_key
            )
        ]
        if not todo:
            fail(
                f"No answers are stored for {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC. They are kept for "
                f"{settings().payload_days} days (PAYLOAD_DAYS). To recompute from the snapshots, use `tickettape "
                "rebuild`."
            )
        counts: Counter[str] = Counter()
        said_at = time.monotonic()
        marketplaces = {each.source: open_marketplace(each) for each in watched}
        for number, (each, tick) in enumerate(todo, 1):
            verdicts, _ = read_tick(
                connection,
                marketplaces[each.source],
                tick,
                each.partial_tolerance,
                "tickettape replay",
                only_received=False,
                event_key=event_key,
                voided_too=voided,
            )
            counts.update(verdict.status for verdict in verdicts)
            if number == len(todo) or time.monotonic() - said_at > 2:
                said_at = time.monotonic()
                reached = f"{number:,} of {len(todo):,} ticks, back to {tick:%Y-%m-%d %H:%M} UTC"
                say(f"Read {counts.total():,} answers of {reached}.")
        refresh_all(connection)
        show_counts(before, count_window(connection, start, end, event_key))


def rebuild(start: From, end: To) -> None:
    """Recompute the rollups of a time range from the stored observations, even if nothing has changed."""
    start, end = check_window(start, end)
    start = start.replace(minute=0, second=0, microsecond=0)  # an hour is recomputed whole
    with Warehouse().connection() as connection:
        before = count_window(connection, start, end)
        marked = mark_hours_between(connection, start, end)
        say(f"Recomputing {marked:,} event hours from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC.")
        refresh_all(connection)
        show_counts(before, count_window(connection, start, end))


def void(
    event: Annotated[str, typer.Option("--event", help="The event, by its id at its source.")],
    reason: Annotated[str, typer.Option("--reason", help="Why the capture is wrong. The reason is stored.")] = "",
    tick: Annotated[
        datetime | None,
        typer.Option(
            "--tick", parser=parse_instant, metavar="INSTANT", help="The tick, as an ISO instant with its time zone."
        ),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            "--from", parser=parse_instant, metavar="INSTANT", help="Instead of --tick: the start of a range."
        ),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(
            "--to", parser=parse_instant, metavar="INSTANT", help="With --from: the end of the range, not included."
        ),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Bring voided captures back as they were.")] = False,
    source: EventSource = None,
    kind: Annotated[
        Kind | None, typer.Option("--kind", help="Only captures of listings, or only price ranges.")
    ] = None,
) -> None:
    """Take bad captures and price ranges of an event out of the history.

    Their ticks then count as not observed: neither as prices nor as sold out. The rows are kept, and --undo brings
    them back. A replay or an import leaves them void unless told otherwise.
    """
    if not undo and not reason.strip():
        fail("Give the reason with --reason. It is stored with the capture.", code=2)
    if tick is not None and start is None and end is None:
        first, last = tick, tick + timedelta(microseconds=1)
    elif tick is None and start is not None and end is not None:
        first, last = check_window(start, end)
    else:
        fail("Name the captures with --tick, or with --from and --to.", code=2)
    source = source or settings_of(None).source
    with Warehouse().connection() as connection:
        event_key = _event_key(connection, source, event)
        assert event_key is not None  # noqa: S101  an event was given
        ticks, range_ticks = [], []
        if kind != Kind.LISTINGS:
            range_ticks = price_range_ticks(connection, event_key, first, last, voided=undo)
        if kind != Kind.PRICE_RANGE:
            ticks = capture_ticks(connection, event_key, first, last, voided=undo)
            if tick and not ticks and not range_ticks:
                ticks = [tick]  # the error message then names the nearest captures
        if not ticks and not range_ticks:
            wanted = {Kind.LISTINGS: "capture", Kind.PRICE_RANGE: "price range", None: "capture or price range"}[kind]
            fail(f"Event {event} of {source} has no {'voided' if undo else 'valid'} {wanted} at that time.")
        hours = first.replace(minute=0, second=0, microsecond=0), last.replace(minute=0, second=0, microsecond=0) + HOUR
        before = count_window(connection, *hours, event_key)
        try:
            with connection.transaction():
                for each in ticks:
                    if undo:
                        status = undo_void(connection, event_key, each)
                        say(f"{source} {event} at {each:%Y-%m-%d %H:%M:%S} UTC is {status} again.")
                    else:
                        status = void_capture(connection, event_key, each, reason=reason.strip(), by=getpass.getuser())
                        say(f"{source} {event} at {each:%Y-%m-%d %H:%M:%S} UTC was {status} and is void.")
                for each in range_ticks:
                    about = f"The price range of {source} {event} at {each:%Y-%m-%d %H:%M:%S} UTC"
                    if undo:
                        undo_price_range_void(connection, event_key, each)
                        say(f"{about} counts again.")
                    else:
                        void_price_range(connection, event_key, each, reason=reason.strip(), by=getpass.getuser())
                        say(f"{about} is void.")
        except NothingToDo as error:
            fail(f"{source} {event}: {error}")
        refresh_all(connection)
        show_counts(before, count_window(connection, *hours, event_key))


def _event_key(connection: Connection, source: str, event: str | None) -> int | None:
    if event is None:
        return None
    found = find_event(connection, source, event)
    if found is None:
        fail(f"There is no event {event} of {source}. `tickettape tracked` lists the watched events.")
    return found.event_key
