"""What an import prints about a file: what it would import before it writes, and what it imported afterwards."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tickettape.imports import ImportOutcome, ImportRequest


def what_it_brings(file: str, outcome: "ImportOutcome", request: "ImportRequest") -> Iterator[str]:
    """The lines before writing: rows read, refused and changed; columns not read; observations and events."""
    understood = outcome.rows_read - outcome.rows_refused - outcome.rows_of_nothing
    yield f"{file}: {outcome.rows_read:,} rows read, {understood:,} understood, {outcome.rows_refused:,} refused."
    yield from (f"  {line}" for line in (*outcome.reasons, *outcome.styles))
    if outcome.changes:
        yield "Changes:"
        yield from (f"  {line}" for line in outcome.changes)
    yield from _of_columns(outcome)
    if outcome.rows_of_nothing:
        yield f"  {outcome.rows_of_nothing:,} rows have neither a price nor a count, and are skipped."
    if outcome.repeats:
        yield f"  {outcome.repeats:,} rows repeat another row of the same event and time, and count once."
    if outcome.corrections:
        yield (
            f"  {outcome.corrections:,} rows differ from a later row of the same event and time: the last one in the "
            "file counts."
            if request.bin_seconds in (None, 1)
            else f"  {outcome.corrections:,} rows fall into the same interval as a later one: the latest one counts."
        )
    yield f"Observations: {outcome.observations:,}{_of_which(outcome, request)}."
    yield (
        f"Events: {outcome.events:,}, of which {outcome.events_made:,} are new and "
        f"{outcome.events - outcome.events_made:,} are already known to {request.source} (matched by id)."
    )
    if request.ranges:
        yield "Price ranges never mean that something is sold out."
    elif outcome.sold_out:
        yield outcome.sold_out


def what_it_brought(outcome: "ImportOutcome", request: "ImportRequest") -> str:
    """The text after writing: what was written."""
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
        text += f" Of those written, {outcome.partial:,} are partial."
        if outcome.doubles:
            text += f"\n  {outcome.doubles:,} listings were twice in one observation: the later one counts."
    return text


def _of_columns(outcome: "ImportOutcome") -> Iterator[str]:
    """Which columns are not read, and what to do if one of them says what is for sale."""
    if not outcome.unread:
        return
    shown = outcome.unread[:COLUMNS_SHOWN]
    more = len(outcome.unread) - len(shown)
    yield f"Columns not read: {', '.join(shown)}{f' and {more:,} more' if more else ''}."
    if telling := [name for name in outcome.unread if _SALE.search(name)]:
        yield (
            f"  If {telling[0]} says what is for sale: --map for_sale={telling[0]} where it is true of what is, "
            f"--map sold_out={telling[0]} where it is true of what is not."
        )


COLUMNS_SHOWN = 12
_SALE = re.compile("sold|avail|for.?sale|in.?stock|status|active", re.IGNORECASE)


def _of_which(outcome: "ImportOutcome", request: "ImportRequest") -> str:
    if request.ranges:
        return (
            f"; {outcome.whole:,} with lowest, average and highest price, {outcome.partial:,} with some of them, "
            f"{outcome.unpriced:,} with counts only"
        )
    if not request.check_only:
        return ""  # not known before the rows are written
    return f"; {outcome.whole:,} whole and {outcome.partial:,} partial"
