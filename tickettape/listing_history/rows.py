"""A delta of the listing history as a row of arrays, and back. What a delta is: `deltas`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tickettape.listing_history.deltas import Delta

DELTA_COLUMNS = (
    "tick", "kept", "born", "partial", "numbers", "listing_ids", "section_keys", "seat_rows", "offer_terms_keys",
    "prices_cents", "all_in_prices_cents", "deal_scores", "since", "changed", "price_steps", "all_in_steps",
    "score_steps", "unseen",
)  # fmt: skip

LISTING_COLUMNS = ("event_key", *DELTA_COLUMNS)
"""The columns of the table listing_changes."""

_json = msgspec.json.Encoder().encode  # numbers between commas, in a fifth of the time of a join

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def microseconds(tick: datetime) -> int:
    """A tick as the chain has it."""
    return (tick - EPOCH) // MICROSECOND


def instant(tick: int) -> datetime:
    """A tick of the chain as an instant."""
    return EPOCH + tick * MICROSECOND


def midnight_before(instant: datetime) -> datetime:
    """The beginning of an instant's UTC day."""
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def delta_from_row(row: Sequence[Any]) -> Delta:
    """The delta in a row of COLUMNS, arrays as lists."""
    tick, kept, born, partial, *arrays = row
    numbers, ids, sections, rows, offer_terms, prices, all_ins, scores, since, changed, *steps, unseen = (
        [] if array is None else array for array in arrays
    )
    names = zip(ids, sections, rows, offer_terms, strict=True)
    offers = list(zip(names, zip(numbers, since, prices, all_ins, scores, strict=True), strict=True))
    stayed = kept or 0
    return Delta(
        microseconds(tick),
        partial,
        None if kept is None else offers[:stayed],
        offers[stayed : stayed + born],
        offers[stayed + born :],
        list(zip(changed, zip(*steps, strict=True), strict=True)),
        unseen,
    )


def row_from_delta(delta: Delta) -> tuple[Any, ...]:
    """COLUMNS of a delta, arrays as the texts that PostgreSQL reads: for COPY. An empty array is None."""
    offers = [*(delta.stayed or ()), *delta.came, *delta.went]
    ids, sections, rows, offer_terms = zip(*(offer for offer, _ in offers), strict=True) if offers else ((),) * 4
    standings = zip(*(standing for _, standing in offers), strict=True) if offers else ((),) * 5
    numbers, since, *prices = standings
    changed, steps = zip(*delta.changed, strict=True) if delta.changed else ((), ())
    return (
        instant(delta.tick),
        None if delta.stayed is None else len(delta.stayed),
        len(delta.came),
        delta.partial,
        _numbers(numbers),
        _texts(ids),
        _numbers(sections),
        _texts(rows),
        _numbers(offer_terms),
        *map(_numbers, prices),
        _numbers(since),
        _numbers(changed),
        *map(_numbers, zip(*steps, strict=True) if steps else ((),) * 3),
        _numbers(delta.unseen),
    )


def _numbers(numbers: Sequence[int]) -> str | None:
    return f"{{{_json(numbers)[1:-1].decode()}}}" if numbers else None


def _texts(texts: Sequence[str]) -> str | None:
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return '{"' + '","'.join(quoted) + '"}' if texts else None
