"""What an import says of a file: before it writes, what it would bring; after it, what it brought."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tickettape.imports import ImportOutcome, ImportRequest


def what_it_brings(file: str, outcome: "ImportOutcome", request: "ImportRequest") -> Iterator[str]:
    """What was read, what of it is refused and why, and what observations and events it makes."""
    understood = outcome.rows_read - outcome.rows_refused - outcome.rows_of_nothing
    yield f"{file}: {outcome.rows_read:,} rows read, {understood:,} understood, {outcome.rows_refused:,} refused."
    yield from (f"  {line}" for line in (*outcome.reasons, *outcome.styles))
    if outcome.rows_of_nothing:
        yield f"  {outcome.rows_of_nothing:,} rows have neither a price nor a count: nothing to keep."
    if outcome.repeats:
        yield f"  {outcome.repeats:,} rows say again what another says of the same event and time: they count once."
    if outcome.corrections:
        yield (
            f"  {outcome.corrections:,} rows say something else of an event and time than a later one: the last in the "
            "file counts."
            if request.bin_seconds in (None, 1)
            else f"  {outcome.corrections:,} rows fall into the same minutes as a later one: the one seen last counts."
        )
    yield f"Observations: {outcome.observations:,}{_of_which(outcome, request)}."
    yield (
        f"Events: {outcome.events:,}, {outcome.events_made:,} new and {outcome.events - outcome.events_made:,} that "
        f"{request.source} has, matched by their ids."
    )
    if request.ranges:
        yield "Price ranges never say that something is sold out."
    elif outcome.sold_out:
        yield outcome.sold_out


def what_it_brought(outcome: "ImportOutcome", request: "ImportRequest") -> str:
    """What was written."""
    captures, what = outcome.captures, "Price ranges" if request.ranges else "Captures"
    left_out = "held until their month is open again" if request.ranges else "left out"
    speed = (
        f"{outcome.rows_read:,} rows in {outcome.seconds:,.1f} s ({outcome.rows_read / outcome.seconds:,.0f} a second)"
    )
    text = (
        f"{what}: {captures['added']:,} added, {captures['replaced']:,} replaced, {captures['unchanged']:,} unchanged, "
        f"{captures['refused']:,} {left_out}; {speed}."
    )
    if not request.ranges:
        text += f" {outcome.partial:,} of those written are partial."
        if outcome.doubles:
            text += f"\n  {outcome.doubles:,} listings stood twice in an observation: the one seen last counts."
    return text


def _of_which(outcome: "ImportOutcome", request: "ImportRequest") -> str:
    if request.ranges:
        return (
            f"; {outcome.whole:,} with lowest, average and highest price, {outcome.partial:,} with some of them, "
            f"{outcome.unpriced:,} with counts only"
        )
    if not request.check_only:
        return ""  # found out while it is written
    return f"; {outcome.whole:,} whole and {outcome.partial:,} partial"
