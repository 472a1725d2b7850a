"""What the commands share: how they speak, how they fail, and how a person writes an instant."""

from datetime import UTC, datetime
from typing import Annotated, NoReturn

import typer

from tickettape.settings import Settings, SeveralMarketplacesError, settings


def say(text: str) -> None:
    """A line of the answer, on stdout."""
    typer.echo(text)


def fail(text: str, code: int = 1) -> NoReturn:
    """A sentence on stderr, and the end: code 1 for what failed, 2 for what was asked wrongly."""
    typer.echo(text, err=True)
    raise typer.Exit(code)


def parse_instant(text: str) -> datetime:
    """An ISO instant with its zone, or a date, which means its UTC midnight. Anything else is refused, not guessed."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no ISO instant; write 2026-11-21T10:00Z, or 2026-11-21 for its UTC midnight"
        ) from None
    if parsed.tzinfo is None and len(text) > len("2026-11-21"):
        raise typer.BadParameter(f"{text!r} has no time zone; write {text}Z if it is UTC, {text}-05:00 if it is not")
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


INSTANT = "ISO instant with its zone (2026-11-21T10:00Z); a bare date is its UTC midnight."
From = Annotated[datetime, typer.Option("--from", parser=parse_instant, metavar="INSTANT", help=f"Begin: {INSTANT}")]
To = Annotated[
    datetime, typer.Option("--to", parser=parse_instant, metavar="INSTANT", help="End, itself not included.")
]


SourceOption = Annotated[str | None, typer.Option("--source", help="The marketplace, where several are watched.")]


def settings_of(source: str | None) -> Settings:
    """What is set for a marketplace; for the one that is watched, where none is named."""
    chosen = settings()
    try:
        return chosen.of_source(source or chosen.source)
    except SeveralMarketplacesError as error:
        fail(f"{error} Name it with --source.", code=2)
    except ValueError as error:
        fail(str(error), code=2)


def sources_of(source: str | None) -> tuple[str, ...]:
    """The marketplace that is named, or every one that is watched."""
    return (settings_of(source).source,) if source else settings().sources


def check_window(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The window, if it is one."""
    if start >= end:
        fail(f"--from {start:%Y-%m-%d %H:%M} UTC is not before --to {end:%Y-%m-%d %H:%M} UTC.", code=2)
    return start, end


def show_counts(before: dict[str, int], after: dict[str, int]) -> None:
    """Counts side by side; what is 0 on both sides is left out."""
    say(f"  {'':<28}{'before':>18}{'after':>18}")
    for name in before | after:
        was, now = before.get(name, 0), after.get(name, 0)
        if was or now:
            say(f"  {name:<28}{was:>18,}{now:>18,}{'' if was == now else f'   {now - was:+,}'}")
