"""What stands at each event's newest observation, in the form in which the next observation is compared with it.

A cache of the chain (`deltas`), one row per event. It knows every offer by a label: 64 bits made of all that
the answer said of it. An offer whose label is seen again is the same in everything, so only those that came, changed
or went are spelled out: of 400 listings mostly 40. (At 1000 events, 10 minutes and 400 listings two labels are the
same by chance once in 20 million years.)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from tickettape.database import Connection
from tickettape.listing_history.deltas import Delta, Observation, Offer, Prices, Stand, Standing, next_delta
from tickettape.listing_history.rows import instant

_ARRAY = b"\xdd"  # MessagePack's `array 32`: a count of four bytes follows, and then the elements
_INDEX = np.dtype([("label", "<u8"), ("number", "<u4"), ("size", "<u4")])

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[memoryview, memoryview]).decode
_decode_entry = msgspec.msgpack.Decoder(tuple[Offer, Standing]).decode
_decode_entries = msgspec.msgpack.Decoder(list[tuple[Offer, Standing]]).decode


@dataclass(frozen=True, slots=True)
class RawObservation:
    """An observation that is spelled out only where it must be: listings of any type that packs, and what spells one.

    Listings that pack alike are alike in everything; no two of one raw observation have the same id.
    """

    tick: int
    partial: bool
    listings: Sequence[Any]
    spell: Callable[[Any], tuple[Offer, Prices]]

    @classmethod
    def of(cls, observation: Observation) -> Self:
        """An observation that is spelled out already, as a raw one."""
        return cls(observation.tick, observation.partial, list(observation.offers.items()), tuple)

    def observation(self) -> Observation:
        """All of it, spelled out."""
        return Observation(self.tick, self.partial, dict(map(self.spell, self.listings)))


@dataclass(frozen=True, slots=True)
class LatestState:
    """What stands after the observation at `tick`: of each offer its label, its number in the chain and the size of its
    entry (`index`); and the entries, one after the other: (offer, standing), packed."""

    tick: datetime
    index: NDArray[np.void]
    entries: bytes | memoryview

    @classmethod
    def of(cls, tick: datetime, stand: Stand, labels: Iterable[int] | None = None) -> Self:
        """The latest state of a chain after which this stands; labels in its order, if they are known."""
        if labels is None:
            labels = [xxh3_64_intdigest(_encode((offer, standing[2:]))) for offer, standing in stand.items()]
        entries = list(map(_encode, stand.items()))
        numbers = [standing[0] for standing in stand.values()]
        rows = zip(labels, numbers, map(len, entries), strict=True)
        return cls(tick, np.array(list(rows), _INDEX), b"".join(entries))

    @classmethod
    def unpacked(cls, tick: datetime, packed: bytes) -> Self:
        """A latest state as it is stored."""
        index, entries = _decode(packed)
        return cls(tick, np.frombuffer(index, _INDEX), entries)

    def packed(self) -> bytes:
        """This latest state as `unpacked` reads it."""
        return _encode((self.index.tobytes(), self.entries))

    def stand(self) -> dict[Offer, Standing]:
        """Everything that stands, spelled out."""
        # an array's header makes one message of all entries, which is read four times as fast as entry by entry
        array = _ARRAY + len(self.index).to_bytes(4, "big")
        return dict(_decode_entries(array + self.entries))

    def part(self, places: list[int]) -> tuple[list[tuple[Offer, Standing]], list[bytes | memoryview]]:
        """The entries at some places (ascending) spelled out, and the others as they are, in pieces."""
        sizes = self.index["size"]
        ends = np.cumsum(sizes, dtype=np.int64)[places].tolist()
        spelled: list[tuple[Offer, Standing]] = []
        pieces: list[bytes | memoryview] = []
        read = 0
        for end, size in zip(ends, sizes[places].tolist(), strict=True):
            pieces.append(self.entries[read : end - size])
            spelled.append(_decode_entry(self.entries[end - size : end]))
            read = end
        pieces.append(self.entries[read:])
        return spelled, pieces


@dataclass(frozen=True, slots=True)
class StateDifference:
    """What an event's next observation does not share with its latest state.

    `gone`: the places of the offers that it does not show as they were; `fresh`: the listings that are new or changed,
    by label. Where everything is to be spelled out (a keyframe), all of them. It lets go of the observation's other
    listings: many differences wait for `delta` at once.
    """

    state: LatestState | None
    keyframe: bool
    gone: list[int]
    fresh: Mapping[int, Any]
    tick: int
    partial: bool
    spell: Callable[[Any], tuple[Offer, Prices]]

    @classmethod
    def of(cls, state: LatestState | None, raw: RawObservation) -> Self:
        """The difference between a latest state and the next raw observation; None begins the chain."""
        keyframe = state is None or state.tick.astimezone(UTC).date() != instant(raw.tick).date()
        fresh = dict(zip(map(xxh3_64_intdigest, map(_encode, raw.listings)), raw.listings, strict=True))
        known = state.index["label"].tolist() if state else []
        same = repeat(None, len(known)) if keyframe else list(map(fresh.pop, known, repeat(None)))
        gone = [place for place, listing in enumerate(same) if listing is None]
        return cls(state, keyframe, gone, fresh, raw.tick, raw.partial, raw.spell)

    def delta(self) -> tuple[Delta, LatestState]:
        """The delta that adds the raw observation to its event's chain, and the latest state after it.

        The first delta of a UTC day is a keyframe.
        """
        offers = dict(map(self.spell, self.fresh.values()))
        observation, tick = Observation(self.tick, self.partial, offers), instant(self.tick)
        labels = dict(zip(offers, self.fresh, strict=True))
        if self.state is None:
            delta, stand = next_delta(None, observation, keyframe=True)
            return delta, LatestState.of(tick, stand, map(labels.__getitem__, stand))
        index = self.state.index
        spelled, pieces = self.state.part(self.gone)
        before = dict(spelled)
        delta, stand = next_delta(before, observation, keyframe=self.keyframe, taken=index["number"].tolist())
        labels = dict(zip(before, index["label"][self.gone].tolist(), strict=True)) | labels  # those of what is unseen
        new = LatestState.of(tick, stand, map(labels.__getitem__, stand))
        kept = np.ones(len(index), dtype=bool)
        kept[self.gone] = False
        rows = index[kept].tobytes() + new.index.tobytes()
        return delta, LatestState(tick, np.frombuffer(rows, _INDEX), b"".join((*pieces, new.entries)))


def load_latest_states(connection: Connection, event_keys: Iterable[int]) -> dict[int, tuple[datetime, bytes]]:
    """The latest states of events, where they have one: tick, and what `LatestState.unpacked` reads."""
    rows = connection.execute(
        "select event_key, tick, offers from market.listing_latest_states where event_key = any(%s)",
        [list(event_keys)],
        binary=True,
    ).fetchall()
    return {event_key: (tick, packed) for event_key, tick, packed in rows}


def store_latest_states(connection: Connection, states: Mapping[int, LatestState]) -> None:
    """Store latest states in place of those there are."""
    if not states:
        return
    connection.execute(
        """insert into market.listing_latest_states (event_key, tick, offers)
           select * from unnest(%b::integer[], %b::timestamptz[], %b::bytea[])
           on conflict (event_key) do update set tick = excluded.tick, offers = excluded.offers""",
        [list(states), [state.tick for state in states.values()], [state.packed() for state in states.values()]],
    )


def delete_latest_state(connection: Connection, event_key: int) -> None:
    """Take away the latest state of an event that has no history any more."""
    connection.execute("delete from market.listing_latest_states where event_key = %s", [event_key])
