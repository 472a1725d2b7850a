"""What stands at each event's newest look, in the form in which the next look is compared with it.

A cache of the chain (`listing_chain`), one row per event. It knows every offer by a label: 64 bits made of all that
the answer said of it. An offer whose label is seen again is the same in everything, so only those that came, changed
or went are spelled out: of 400 listings mostly 40. (At 1000 events, 10 minutes and 400 listings two labels are the
same by chance once in 20 million years.)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import msgspec
from xxhash import xxh3_64_intdigest

from orchestration.warehouse import Connection, listing_chain
from orchestration.warehouse.listing_chain import Link, Look, Offer, Prices, Stand, Standing
from orchestration.warehouse.listing_rows import instant

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[set[int], dict[int, msgspec.Raw]]).decode
_decode_entry = msgspec.msgpack.Decoder(tuple[Offer, Standing]).decode


@dataclass(frozen=True, slots=True)
class Sight:
    """A look that is spelled out only where it must be: listings of any type that packs, and what spells one.

    Listings that pack alike are alike in everything; no two of one sight have the same id.
    """

    tick: int
    partial: bool
    listings: Sequence[Any]
    spell: Callable[[Any], tuple[Offer, Prices]]

    @classmethod
    def of(cls, look: Look) -> Self:
        """The sight of a look that is spelled out already."""
        return cls(look.tick, look.partial, list(look.offers.items()), tuple)

    def look(self) -> Look:
        """All of it, spelled out."""
        return Look(self.tick, self.partial, dict(map(self.spell, self.listings)))


@dataclass(slots=True)
class Head:
    """What stands after the look at `tick`: the numbers in use, and for each label (offer, standing), packed."""

    tick: datetime
    numbers: set[int]
    entries: dict[int, msgspec.Raw]

    @classmethod
    def of(cls, tick: datetime, stand: Stand) -> Self:
        """The head of a chain that was put together from its links."""
        entries = {
            xxh3_64_intdigest(_encode((offer, standing[2:]))): msgspec.Raw(_encode((offer, standing)))
            for offer, standing in stand.items()
        }
        return cls(tick, {standing[0] for standing in stand.values()}, entries)

    def stand(self) -> dict[Offer, Standing]:
        """Everything that stands, spelled out."""
        return dict(map(_decode_entry, self.entries.values()))


def next_link(head: Head | None, sight: Sight) -> tuple[Link, Head]:
    """The link that adds a sight to an event's chain, and the head after it; None begins the chain.

    The first link of a UTC day is an image, and all is spelled out for it. `head` is used up.
    """
    tick = instant(sight.tick)
    image = head is None or head.tick.astimezone(UTC).date() != tick.date()
    numbers, entries = (head.numbers, head.entries) if head else (set(), {})
    shown = dict(zip(map(xxh3_64_intdigest, map(_encode, sight.listings)), sight.listings, strict=True))
    stale = list(entries) if image else [label for label in entries if label not in shown]
    fresh = list(shown) if image else [label for label in shown if label not in entries]
    before = dict([_decode_entry(entries.pop(label)) for label in stale])
    labels = dict(zip(before, stale, strict=True))
    offers = dict([sight.spell(shown[label]) for label in fresh])
    labels.update(zip(offers, fresh, strict=True))
    look = Look(sight.tick, sight.partial, offers)
    link, stand = listing_chain.next_link(before if head else None, look, image=image, taken=numbers)
    entries.update([(labels[pair[0]], msgspec.Raw(_encode(pair))) for pair in stand.items()])
    numbers.difference_update([standing[0] for _, standing in link.went])
    numbers.update([standing[0] for _, standing in (link.came if head else stand.items())])
    return link, Head(tick, numbers, entries)


def load(connection: Connection, event_keys: Iterable[int]) -> dict[int, tuple[datetime, bytes]]:
    """The heads of events, where they have one: tick, and what `unpacked` reads."""
    rows = connection.execute(
        "select event_key, tick, offers from market.listing_heads where event_key = any(%s)",
        [list(event_keys)],
        binary=True,
    ).fetchall()
    return {event_key: (tick, entries) for event_key, tick, entries in rows}


def unpacked(tick: datetime, entries: bytes) -> Head:
    """A head as it is stored."""
    return Head(tick, *_decode(entries))


def put(connection: Connection, heads: Mapping[int, Head]) -> None:
    """Store heads in place of those there are."""
    connection.execute(
        """insert into market.listing_heads (event_key, tick, offers)
           select * from unnest(%b::integer[], %b::timestamptz[], %b::bytea[])
           on conflict (event_key) do update set tick = excluded.tick, offers = excluded.offers""",
        [
            list(heads),
            [head.tick for head in heads.values()],
            [_encode((head.numbers, head.entries)) for head in heads.values()],
        ],
    )


def forget(connection: Connection, event_key: int) -> None:
    """Take away the head of an event that has no history any more."""
    connection.execute("delete from market.listing_heads where event_key = %s", [event_key])
