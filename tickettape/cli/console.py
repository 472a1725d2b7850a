"""What the commands share: output, errors, common options, and the lists of counts and of events found."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import typer

from tickettape.catalogue import RULE_KINDS, Discovery
from tickettape.settings import Settings, SeveralMarketplacesError, settings

MOST_SHOWN = 20  # events of a rule


def say(text: str) -> None:
    """Print a line to stdout."""
    typer.echo(text)


def fail(text: str, code: int = 1) -> NoReturn:
    """Print a message to stderr and exit: with code 1 if the command failed, 2 if it was called wrongly."""
    typer.echo(text, err=True)
    raise typer.Exit(code)


@contextmanager
def failing_on(*kinds: type[Exception]) -> Iterator[None]:
    """An error of these kinds ends the command with its message."""
    try:
        yield
    except kinds as error:
        fail(str(error))


def parse_instant(text: str) -> datetime:
    """An ISO instant with its zone, or a date, which means its UTC midnight. Anything else is refused, not guessed."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not an ISO instant. Write 2026-11-21T10:00Z, or 2026-11-21 for midnight UTC"
        ) from None
    if parsed.tzinfo is None and len(text) > len("2026-11-21"):
        raise typer.BadParameter(f"{text!r} has no time zone. Write {text}Z for UTC, or an offset such as {text}-05:00")
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


INSTANT = "an ISO instant with its time zone (2026-11-21T10:00Z), or a date, which means midnight UTC."
From = Annotated[
    datetime, typer.Option("--from", parser=parse_instant, metavar="INSTANT", help=f"Start of the range: {INSTANT}")
]
To = Annotated[
    datetime, typer.Option("--to", parser=parse_instant, metavar="INSTANT", help="End of the range, not included.")
]


SourceOption = Annotated[
    str | None, typer.Option("--source", help="The marketplace. Needed only if several are watched.")
]
SourceOrAllOption = Annotated[
    str | None, typer.Option("--source", help="Only this marketplace. Default: all that are watched.")
]

EventId = Annotated[str | None, typer.Option("--event", help="One event, by its id at the source.")]
PerformerId = Annotated[
    str | None, typer.Option("--performer", help="All events of one performer, by the performer's id.")
]
VenueId = Annotated[str | None, typer.Option("--venue", help="All events at one venue, by the venue's id.")]
Search = Annotated[str | None, typer.Option("--search", help="All events that match a search text.")]


def settings_of(source: str | None) -> Settings:
    """The settings of a marketplace. Without a name: of the only one that is watched."""
    chosen = settings()
    if source in chosen.catalogues:
        fail(f"{source} has no listings to watch. Use `tickettape catalogue {source}` to query it.", code=2)
    try:
        return chosen.of_source(source or chosen.source)
    except SeveralMarketplacesError as error:
        fail(f"{error} Name one with --source.", code=2)
    except ValueError as error:
        fail(str(error), code=2)


def sources_of(source: str | None) -> tuple[str, ...]:
    """The named marketplace, or all that are watched."""
    return (settings_of(source).source,) if source else settings().sources


def check_window(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The window, if its start is before its end."""
    if start >= end:
        fail(f"--from ({start:%Y-%m-%d %H:%M} UTC) must be before --to ({end:%Y-%m-%d %H:%M} UTC).", code=2)
    return start, end


def show_counts(before: dict[str, int], after: dict[str, int]) -> None:
    """Print counts side by side. A count that is 0 on both sides is left out."""
    say(f"  {'':<28}{'before':>18}{'after':>18}")
    for name in before | after:
        was, now = before.get(name, 0), after.get(name, 0)
        if was or now:
            say(f"  {name:<28}{was:>18,}{now:>18,}{'' if was == now else f'   {now - was:+,}'}")


def one_rule(*values: str | None) -> tuple[str, str]:
    """The kind and the value of the only rule that is given, in the order of RULE_KINDS."""
    given = [(kind, value) for kind, value in zip(RULE_KINDS, values, strict=True) if value]
    if len(given) != 1:
        fail("Give exactly one of --event, --performer, --venue and --search.", code=2)
    return given[0]


def show_found(found: Discovery) -> None:
    """Print the next events that were found, and what was left out."""
    events = sorted(found.events, key=lambda one: one.date or datetime.max.replace(tzinfo=UTC))
    for one in events[:MOST_SHOWN]:
        state = f"  {one.sales_state}" if one.sales_state else ""
        place = one.venue or "venue unknown"
        say(f"  {one.external_id:>9}  {when(one.date, one.date_status)}{state}  {one.name}, {place}")
    if len(events) > MOST_SHOWN:
        say(f"  … and {len(events) - MOST_SHOWN} more")
    for refused in found.refused:
        say(f"  left out: {refused}")


def when(date: datetime | None, date_status: str) -> str:
    """When an event is, in a column of one width."""
    if date is None:
        return "postponed           " if date_status == "postponed" else "date not yet known  "
    return f"{date:%Y-%m-%d}, time unknown" if date_status == "time_tbd" else f"{date:%Y-%m-%d %H:%M} UTC"
