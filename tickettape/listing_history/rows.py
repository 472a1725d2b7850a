"""A link of the listing history as a row of arrays, and back. What a link is: `listing_chain`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tickettape.listing_history.deltas import Delta

DELTA_COLUMNS = (
    "tick", "kept", "born", "partial", "numbers", "listing_ids", "section_keys", "seat_rows", "lot_keys",
    "prices_cents", "all_in_prices_cents", "deal_scores", "since", "changed", "price_steps", "all_in_steps",
    "score_steps", "unseen",
)  # fmt: skip

_json = msgspec.json.Encoder().encode  # numbers between commas, in a fifth of the time of a join

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def microseconds(tick: datetime) -> int:
    """A tick as the chain has it."""
    return (tick - EPOCH) // MICROSECOND


def instant(tick: int) -> datetime:
    """A tick of the chain as an instant."""
    return EPOCH + tick * MICROSECOND


def delta_from_row(row: Sequence[Any]) -> Delta:
    """The link in a row of COLUMNS, arrays as lists."""
    tick, kept, born, partial, *arrays = row
    numbers, ids, sections, rows, lots, prices, all_ins, scores, since, changed, *steps, unseen = (
        [] if array is None else array for array in arrays
    )
    names = zip(ids, sections, rows, lots, strict=True)
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


def row_from_delta(link: Delta) -> tuple[Any, ...]:
    """COLUMNS of a link, arrays as the texts that PostgreSQL reads: for COPY. An empty array is None."""
    offers = [*(link.stayed or ()), *link.came, *link.went]
    ids, sections, rows, lots = zip(*(offer for offer, _ in offers), strict=True) if offers else ((),) * 4
    standings = zip(*(standing for _, standing in offers), strict=True) if offers else ((),) * 5
    numbers, since, *prices = standings
    changed, steps = zip(*link.changed, strict=True) if link.changed else ((), ())
    return (
        instant(link.tick),
        None if link.stayed is None else len(link.stayed),
        len(link.came),
        link.partial,
        _numbers(numbers),
        _texts(ids),
        _numbers(sections),
        _texts(rows),
        _numbers(lots),
        *map(_numbers, prices),
        _numbers(since),
        _numbers(changed),
        *map(_numbers, zip(*steps, strict=True) if steps else ((),) * 3),
        _numbers(link.unseen),
    )


def _numbers(numbers: Sequence[int]) -> str | None:
    return f"{{{_json(numbers)[1:-1].decode()}}}" if numbers else None


def _texts(texts: Sequence[str]) -> str | None:
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return '{"' + '","'.join(quoted) + '"}' if texts else None
