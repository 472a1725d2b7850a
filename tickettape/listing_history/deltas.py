"""The listing history as a chain: what each observation of an event changed. Pure: no SQL, no clock.

An observation is everything that one read answer shows. An offer is a listing with what the seller fixed: where the
seats are, how many, and how many of them one may buy; its prices may change while it stands. After an ok observation
stands what it showed. A partial one proves what it shows and nothing else: an offer that it does not show stands on,
unless the same listing is shown with other seats or another quantity.

A delta is the difference between an observation and what stood before it. The first delta of a UTC day is a keyframe:
it holds all that stands, so that every day is read without the day before.
"""

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

Offer = tuple[str, int, str, int]
"""(listing id, section_key, row, offer_terms_key)"""

Prices = tuple[int, int, int]
"""(price, all-in price or 0 where not stated: cents; deal score in tenths or -1)"""

Standing = tuple[int, int, int, int, int]
"""(number, since, *Prices): an offer's number in the chain, and the tick (microseconds since 1970) at which its
listing was first seen without a gap."""

Stand = Mapping[Offer, Standing]

_NUMBERS = 2**31


@dataclass(frozen=True, slots=True)
class Observation:
    """What one read answer showed at `tick` (microseconds since 1970)."""

    tick: int
    partial: bool
    offers: Mapping[Offer, Prices]


@dataclass(slots=True)
class Delta:
    """One observation in the chain, as it is stored: `stayed` is None unless this is a keyframe.

    `stayed`, `came` and `went` are (offer, standing), of `went` the last one; `changed` is (number, steps).
    """

    tick: int
    partial: bool
    stayed: list[tuple[Offer, Standing]] | None = None
    came: list[tuple[Offer, Standing]] = field(default_factory=list)
    went: list[tuple[Offer, Standing]] = field(default_factory=list)
    changed: list[tuple[int, Prices]] = field(default_factory=list)
    unseen: list[int] = field(default_factory=list)


def next_delta(
    before: Stand | None, observation: Observation, *, keyframe: bool, taken: Collection[int] | None = None
) -> tuple[Delta, dict[Offer, Standing]]:
    """The delta that adds an observation to a chain, and what stands after it.

    `before`: what stood, None where nothing is known: then all that is shown stays, since this tick. What is known
    to be the same may be left out of both, if `taken` has the numbers of all that stood.
    """
    delta = Delta(observation.tick, observation.partial)
    stand: dict[Offer, Standing] = {}
    if before is None:
        _number(observation, sorted(observation.offers), {}, (), stand)
        delta.stayed = sorted(stand.items())
        return delta, stand
    new: list[Offer] = []
    changed = delta.changed
    for offer, prices in observation.offers.items():
        known = before.get(offer)
        if known is None:
            new.append(offer)
            continue
        number, since, price, all_in, score = known
        to_price, to_all_in, to_score = prices
        if price == to_price and all_in == to_all_in and score == to_score:
            stand[offer] = known
        else:
            stand[offer] = (number, since, to_price, to_all_in, to_score)
            changed.append((number, (to_price - price, to_all_in - all_in, to_score - score)))
    if len(stand) < len(before):
        _part(delta, observation, before, stand)
    if new:
        sinces = {offer[0]: standing[1] for offer, standing in delta.went}
        came: dict[Offer, Standing] = {}
        if taken is None:
            taken = [standing[0] for standing in before.values()]
        _number(observation, sorted(new), sinces, taken, came)
        delta.came = list(came.items())
    if keyframe:
        delta.stayed = sorted(stand.items())
    if new:
        stand.update(came)
    changed.sort()
    return delta, stand


def apply_delta(before: Stand, delta: Delta) -> dict[Offer, Standing]:
    """What stands after a delta that follows `before` (not asked for where the delta is a keyframe)."""
    if delta.stayed is not None:
        return dict([*delta.stayed, *delta.came])
    stand = dict(before)
    if delta.changed:
        steps = dict(delta.changed)
        for offer, standing in before.items():
            step = steps.get(standing[0])
            if step is not None:
                number, since, price, all_in, score = standing
                stand[offer] = (number, since, price + step[0], all_in + step[1], score + step[2])
    for offer, _ in delta.went:
        del stand[offer]
    stand.update(delta.came)
    return stand


def observation_of(delta: Delta, stand: Stand) -> Observation:
    """The observation that a delta was made of, given what stands after it."""
    unseen = set(delta.unseen)
    return Observation(
        delta.tick,
        delta.partial,
        {offer: standing[2:] for offer, standing in stand.items() if standing[0] not in unseen},
    )


def _part(delta: Delta, observation: Observation, before: Stand, stand: dict[Offer, Standing]) -> None:
    """Tell apart, of the offers that are not shown, those that went from those that stand unseen."""
    missing = before.keys() - observation.offers.keys()
    if delta.partial:
        shown = {offer[0] for offer in observation.offers}
        for offer in missing:
            if offer[0] not in shown:
                stand[offer] = before[offer]
                delta.unseen.append(before[offer][0])
        missing = {offer for offer in missing if offer[0] in shown}
        delta.unseen.sort()
    delta.went = sorted((offer, before[offer]) for offer in missing)


def _number(
    observation: Observation,
    offers: Collection[Offer],
    sinces: Mapping[str, int],
    taken: Collection[int],
    into: dict[Offer, Standing],
) -> None:
    """Give new offers their numbers: a hash of the offer, so that it has the same one whenever it is met."""
    used = set(taken)
    for offer in offers:
        number = zlib.crc32(repr(offer).encode()) % _NUMBERS
        while number in used:
            number = (number + 1) % _NUMBERS
        used.add(number)
        into[offer] = (number, sinces.get(offer[0], observation.tick), *observation.offers[offer])
